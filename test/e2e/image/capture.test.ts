import type { ChildProcess } from "node:child_process";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { unpackImage } from "../../../src/image/change/unpack.ts";
import { runInTree } from "../../../src/image/chroot/in-tree.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, sidus } from "../../sidus.ts";
import { BUILD_MS, debianTree } from "../debian.ts";
import { differences, listDirectory } from "../listing.ts";
import { networkCard, startQemu } from "../qemu.ts";
import { openRoom, type Room } from "../served-room.ts";

/** A Debian system with an ssh server of its own is captured; a node boots what it became. */

const lacking =
  lackingOf(
    ...(["root", "mmdebstrap", "mkfs.erofs", "qemu-system-x86_64", "ip", "nsenter"] as const),
    ...(["ssh", "rsync", "curl"] as const),
  ) ?? (process.env["SIDUS_E2E"] === "all" ? undefined : "npm run e2e runs it");

const BOOT_MS = 600_000;
const node = { name: "n1", mac: "52:54:00:13:20:01", ip: "10.13.20.11" } as const;

describe.skipIf(lacking !== undefined)(title("a golden client is captured", lacking), () => {
  const golden = join(directoryOf({}), "golden");
  const keys = directoryOf({});
  let room: Room;
  let sshd: ChildProcess;
  let source: readonly string[];

  beforeAll(async () => {
    execFileSync("cp", ["--archive", await debianTree(), golden]);
    await setUp(golden);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, "user")]);
    mkdirSync(join(golden, "root/.ssh"), { recursive: true, mode: 0o700 });
    copyFileSync(join(keys, "user.pub"), join(golden, "root/.ssh/authorized_keys"));
    room = await openRoom({
      exports: { room: { image: "room" } },
      boot: { labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } } },
      nodes: [node],
    });
    sshd = await serveSsh(room, golden);
    const key = readFileSync(join(golden, "etc/ssh/ssh_host_ed25519_key.pub"), "utf8");
    writeFileSync(join(keys, "known"), `[127.0.0.1]:2222 ${key}`);
    const known = `-o UserKnownHostsFile=${join(keys, "known")}`;
    const ssh = `${room.namespace.enter.join(" ")} ssh -F none -i ${join(keys, "user")} ${known}`;
    source = ["127.0.0.1:2222", "--ssh", ssh, "--images", room.images];
  }, BUILD_MS);
  afterAll(async () => {
    sshd?.kill("SIGKILL");
    await room?.[Symbol.asyncDispose]();
  });

  async function capture(...more: readonly string[]): Promise<Captured> {
    const log = join(room.work, "capture.log");
    const args = ["image", "capture", "room", ...source, "--log", log, "--json", ...more];
    const { code, stdout, stderr } = await sidus(...args);
    expect(code, `${stderr}${readFileSync(log, "utf8").slice(-2000)}`).toBe(0);
    return JSON.parse(stdout);
  }

  async function unpacked(digest: string): Promise<string> {
    const to = join(directoryOf({}), "unpacked");
    await unpackImage({ file: join(room.images, "room", `${digest}.erofs`), to });
    return to;
  }

  test("it becomes an image of all that it has, but for what is its own", {
    timeout: BUILD_MS,
  }, async () => {
    const { image, notes } = await capture();
    expect(image.made).toBe("capture of 127.0.0.1");
    expect(notes).toContain("/etc/fstab: without its disks: /, /boot, swap");
    expect(Object.keys(image.packages)).toContain("pxelinux");
    const changed = differences(listDirectory(await unpacked(image.digest)), listDirectory(golden));
    expect([...new Set(changed.map(pathOf))].filter((path) => !ours.test(path))).toEqual([]);
  });

  test("a second time with --update, what changed is what differs", {
    timeout: BUILD_MS,
  }, async () => {
    const { image: before } = await capture();
    writeFileSync(join(golden, "srv/kept"), "by the second\n");
    const { image: after } = await capture("--update");
    expect(after.parent).toBe(before.digest);
    const lists = [before, after].map(async ({ digest }) => listDirectory(await unpacked(digest)));
    const [old = [], current = []] = await Promise.all(lists);
    const changed = differences(current, old).map(pathOf);
    expect(new Set(changed)).toContain("/srv/kept");
    expect(changed.filter((path) => path !== "/srv/kept" && !ours.test(path))).toEqual([]);
  });

  test("a node boots it, as itself", { timeout: 2 * BOOT_MS }, async () => {
    room.addPort(node.name);
    await room.start();
    const args = ["-m", "1024", ...networkCard(node.name, node.mac)];
    await using machine = startQemu(room.namespace, args);
    const said = (): string => machine.console();
    await expect.poll(said, { timeout: BOOT_MS, interval: 500 }).toContain("GOLDEN: done");
    const lines = [...said().matchAll(/GOLDEN: (.+?)\r?\n/g)].map(([, line]) => line);
    expect(lines).toEqual([
      "name n1",
      "tree room",
      "kept by the second",
      "keys 0",
      "disks 1",
      "interfaces 1",
      "log 0",
      "done",
    ]);
    const { nodes } = JSON.parse(room.get("/status.json"));
    expect(nodes).toMatchObject([{ name: "n1", stage: "up" }]);
  });
});

interface Captured {
  readonly image: {
    readonly digest: string;
    readonly made: string;
    readonly parent: string;
    readonly packages: Readonly<Record<string, string>>;
  };
  readonly notes: readonly string[];
}

/** What a capture may change: what was left out of it, what it is made bootable with, what was installed for that. */
const ours = new RegExp(
  [
    "^$",
    "^/(?:boot|dev|proc|ro|run|rw|sys|tmp)(?:/|$)|^/initrd.img$",
    "^/etc(?:$|/(?:$|\\.pwd\\.lock|apt|fstab|group|gshadow|hostname|hosts|initramfs-tools|iscsi|ld\\.so\\.cache|machine-id|network|passwd|resolv\\.conf|shadow|sidus|ssh|subgid|subuid|systemd|udev))",
    "^/root(?:$|/\\.)",
    "^/usr/(?:lib|share)/(?:PXELINUX|pxelinux|sidus|doc/pxelinux|lintian)|^/usr/(?:lib|sbin|share|share/doc)$",
    "^/var/(?:backups|cache|lib/(?:apt|dpkg|systemd|initramfs-tools|ucf|pam)|log|tmp)(?:/|$)|^/var/lib$",
  ].join("|"),
);

/** Of a record of listDirectory; "" for the root. */
function pathOf(record: string): string {
  return / \.(\/\S*)?(?: |$)/.exec(record)?.[1] ?? "";
}

/** With a server for ssh, work that it does at boot, disks, an address of its own; and without a loader that nodes need. */
async function setUp(tree: string): Promise<void> {
  const commands = [
    "apt-get update",
    "apt-get --yes --no-install-recommends install openssh-server rsync",
    "apt-get --yes purge pxelinux",
    "ssh-keygen -A",
    "systemctl enable golden",
  ];
  const script = fileURLToPath(new URL("golden-node.sh", import.meta.url));
  copyFileSync(script, join(tree, "usr/local/bin/golden"));
  chmodSync(join(tree, "usr/local/bin/golden"), 0o755);
  const files = {
    "etc/systemd/system/golden.service":
      "[Unit]\nAfter=multi-user.target sidus-up.service\n[Service]\nExecStart=/usr/local/bin/golden\n[Install]\nWantedBy=multi-user.target\n",
    "etc/hostname": "golden\n",
    "etc/fstab":
      "# disks\nUUID=1 / ext4 defaults 0 1\nUUID=2 /boot ext4 defaults 0 2\nUUID=3 none swap sw 0 0\ntmpfs /scratch tmpfs defaults 0 0\n",
    "etc/network/interfaces":
      "auto lo eth0\niface lo inet loopback\niface eth0 inet static\n  address 192.0.2.1/24\n",
    "srv/kept": "by the first\n",
    "var/log/golden.log": "it ran\n",
  };
  mkdirSync(join(tree, "etc/network"), { recursive: true });
  mkdirSync(join(tree, "scratch"));
  for (const [path, text] of Object.entries(files)) writeFileSync(join(tree, path), text);
  symlinkSync("kept", join(tree, "srv/link"));
  const lines: string[] = [];
  const command = ["/bin/sh", "-e", "-c", commands.join("\n")];
  const status = await runInTree({ tree, command, log: (line) => lines.push(line) });
  if (status !== 0) throw new Error(lines.slice(-20).join("\n"));
}

/** Its own sshd, in its own root, as if it had booted. */
async function serveSsh(room: Room, tree: string): Promise<ChildProcess> {
  const script = [
    'mount --bind "$1" /mnt && mount -t proc proc /mnt/proc && mount --rbind /dev /mnt/dev',
    "mount -t tmpfs tmpfs /mnt/run && mkdir /mnt/run/sshd",
    "exec chroot /mnt /usr/sbin/sshd -D -e -p 2222 -o ListenAddress=127.0.0.1",
  ].join("\n");
  const flags = ["--mount", "--propagation=private", "--", "sh", "-e", "-c", script, "sh", tree];
  const child = room.namespace.spawn("unshare", flags, { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr?.on("data", (bytes: Buffer) => {
    log += bytes.toString();
  });
  while (!log.includes("Server listening")) {
    if (child.exitCode !== null) throw new Error(`sshd ended: ${log}`);
    await setTimeout(50);
  }
  return child;
}
