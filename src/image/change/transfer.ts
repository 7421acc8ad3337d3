import type { Clock } from "../../net/clock.ts";
import { isInUserNamespace } from "../namespace/user-namespace.ts";
import type { Progress } from "../progress.ts";
import { runTool } from "../tool.ts";
import { explain, type Golden, sshCommand } from "./golden.ts";
import type { Parts } from "./parts.ts";

export interface Transfer {
  readonly golden: Golden;
  readonly parts: Parts;
  /** Where it goes; what is there and is not of the golden client is removed. */
  readonly tree: string;
  /** Of rsync's --exclude, before ours. */
  readonly exclude: readonly string[];
  /** Files of such patterns. */
  readonly excludeFrom: readonly string[];
  readonly clock: Clock;
  /** Gets all that rsync says. */
  readonly line: (text: string) => void;
  readonly progress: (progress: Progress) => void;
  readonly signal: AbortSignal | undefined;
}

/**
 * What is not captured, as rsync's filter rules: what the kernel makes, what does not outlive a boot, what is mounted from
 * elsewhere, what was downloaded or worked out and is so again, what boots a disk. Directories that services write into
 * stay.
 */
export const leftOut: readonly string[] = [
  ...["- /proc/*", "- /sys/*", "- /dev/*", "- /run/*"],
  ...["- /tmp/*", "- /var/tmp/*", "- /mnt/*", "- /media/*", "- lost+found/"],
  ...["- /swapfile", "- /swap.img"],
  ...["- /boot/efi/*", "- /boot/grub/*"],
  ...["+ /var/log/**/", "- /var/log/**"],
  ...["- /var/cache/apt/*.bin", "- /var/cache/apt/archives/**.deb", "- /var/lib/apt/lists/*"],
  ...["+ /var/cache/man/**/", "- /var/cache/man/**", "- /var/backups/*"],
  ...["- /var/lib/systemd/coredump/*", "- /var/crash/*"],
  ...["- /root/.cache/*", "- /home/*/.cache/*"],
];

/**
 * Of extended attributes: those of the kernel's security modules belong to one machine, those of `trusted` to its file
 * systems. ACLs travel by themselves. Said for both sides: --delete-excluded makes other rules the sender's alone.
 */
const attributesLeftOut = ["system.*", "trusted.*", "security.selinux", "security.ima"].map(
  (name) => `-xsr ${name}`,
);

/** rsync(1), EXIT VALUES: a file went away before it was its turn. */
const VANISHED = 24;

/** Brings a golden client's files here, or those that changed since. @throws UserError */
export async function transfer(work: Transfer): Promise<void> {
  const { golden, clock, line, progress, signal } = work;
  const startedAt = clock.now();
  const complaints: string[] = [];
  const { status } = await runTool({
    command: rsyncCommand(work),
    debian: "rsync",
    line(text) {
      const now = progressIn(text);
      if (now !== undefined) progress({ ...now, elapsedMs: clock.now() - startedAt });
      else if (text !== "") line(text);
    },
    complaint(text) {
      line(text);
      complaints.push(text);
    },
    signal,
  });
  if (status !== 0 && status !== VANISHED) throw explain(golden, complaints);
}

export function rsyncCommand(work: Transfer): ["rsync", ...string[]] {
  const { golden, parts, tree, exclude, excludeFrom } = work;
  const filters = [...attributesLeftOut, ...leftOut, ...parts.swap.map((path) => `- ${path}`)];
  const host = golden.kind === "host" ? golden.host : "";
  const from = golden.kind === "host" ? ":/." : `${golden.path}/.`;
  return [
    "rsync",
    ...["--archive", "--acls", "--hard-links", "--xattrs", "--one-file-system", "--numeric-ids"],
    ...["--sparse", "--relative", "--delete", "--delete-excluded"],
    // Progress is of something only where all is listed first.
    ...["--no-inc-recursive", "--info=progress2", "--outbuf=L"],
    // The kernel lets only root of the machine make devices.
    ...(isInUserNamespace() ? ["--no-devices"] : []),
    ...exclude.map((pattern) => `--exclude=${pattern}`),
    ...excludeFrom.map((file) => `--exclude-from=${file}`),
    ...filters.map((rule) => `--filter=${rule}`),
    ...(golden.kind === "host" ? [`--rsh=${sshCommand(golden).join(" ")}`] : []),
    ...(golden.kind === "host" && golden.isSudo ? ["--rsync-path=sudo -n rsync"] : []),
    "--",
    ...parts.captured.map((path, at) => `${at === 0 ? host : ""}${from}${path}`),
    `${tree}/`,
  ];
}

/** `    1,238,099  12%  146.38kB/s    0:00:08  (xfr#5, to-chk=169/396)` */
export function progressIn(text: string): Omit<Progress, "elapsedMs"> | undefined {
  const found = /^\s*([\d,]+)\s+\d+%\s+(\S+\/s)\s+\S+(?:\s+\(xfr#\d+, to-chk=(\d+)\/(\d+)\))?/.exec(
    text,
  );
  if (found === null) return undefined;
  const [, bytes = "", rate = "", left, all] = found;
  const megabytes = (Number(bytes.replaceAll(",", "")) / 1e6).toFixed(1);
  const total = Number(all ?? 0);
  return {
    step: "copying",
    item: `${megabytes} MB, ${rate}`,
    done: total - Number(left ?? 0),
    total,
    unit: "items",
  };
}
