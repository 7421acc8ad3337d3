import { join } from "node:path";
import { UserError } from "../../user-error.ts";
import { type Mount, mounts, parseMountinfo } from "../mounts.ts";
import { textIn } from "../place.ts";
import { runTool } from "../tool.ts";
import { explain, type Golden, plainHost, sshCommand } from "./golden.ts";

/** Which file systems of a golden client are captured. */
export interface Parts {
  /** Where they are mounted, the root first. */
  readonly captured: readonly string[];
  /** Others on its disks. */
  readonly left: readonly Mount[];
  /** Files that it swaps to. */
  readonly swap: readonly string[];
}

/** Those on disks. */
const local = /^(?:bcachefs|btrfs|ext[234]|f2fs|jfs|reiserfs|vfat|xfs|zfs)$/;
/** What belongs to the system, not to its users; the firmware's own is of no use to a node. */
const system = /^\/(?:boot(?!\/efi)|etc|opt|root|srv|usr|var)(?:\/|$)/;

/** @throws UserError where the machine cannot be asked. */
export async function partsOf(
  golden: Golden,
  also: readonly string[],
  signal: AbortSignal | undefined,
): Promise<Parts> {
  const { mounted, swapping } = await ask(golden, signal);
  const found = mounted.filter(({ point, type }) => point !== "/" && local.test(type));
  for (const path of also) {
    if (mounted.some(({ point }) => point === path)) continue;
    const points = found.map(({ point }) => point).join(", ");
    throw new UserError(
      `--also ${path}: no file system is mounted there, only at ${points || "/"}`,
    );
  }
  const isCaptured = ({ point }: Mount): boolean => system.test(point) || also.includes(point);
  return {
    captured: [...new Set(["/", ...found.filter(isCaptured).map(({ point }) => point), ...also])],
    left: found.filter((mount) => !isCaptured(mount)),
    // `/swapfile file …` of /proc/swaps, `/swapfile none swap …` of fstab(5)
    swap: [...swapping.matchAll(/^(\/(?!dev\/)\S+)\s+(?:file\s|\S+\s+swap\s)/gm)].flatMap(
      (line) => line[1] ?? [],
    ),
  };
}

interface Answer {
  /** As seen from its root. */
  readonly mounted: readonly Mount[];
  readonly swapping: string;
}

async function ask(golden: Golden, signal: AbortSignal | undefined): Promise<Answer> {
  if (golden.kind === "directory") {
    const { path } = golden;
    const below = mounts().filter(({ point }) => point.startsWith(join(path, "/")));
    return {
      mounted: below.map((mount) => ({
        ...mount,
        point: join("/", mount.point.slice(path.length)),
      })),
      swapping: textIn(path, "etc/fstab") ?? "",
    };
  }
  const lines: string[] = [];
  const files = ["/proc/self/mountinfo", "/proc/swaps"];
  const { status, complaints } = await runTool({
    command: [...sshCommand(golden), "--", plainHost(golden), "cat", ...files],
    debian: "openssh-client",
    line: (text) => lines.push(text),
    signal,
  });
  if (status !== 0) throw explain(golden, complaints);
  const text = lines.join("\n");
  return { mounted: parseMountinfo(text), swapping: text };
}
