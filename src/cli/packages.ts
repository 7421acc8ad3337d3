import { spawn, spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import process from "node:process";
import { UserError } from "../user-error.ts";

/** What somebody wants to do with sidus on this machine. */
export const purposes = ["build", "serve", "demo", "storm", "medium", "test", "bench"] as const;
export type Purpose = (typeof purposes)[number];

export interface DebianPackage {
  readonly name: string;
  readonly reason: string;
}

/** The only list of Debian packages that sidus calls for; serving needs none. */
const own: Readonly<Record<Purpose, readonly DebianPackage[]>> = {
  build: [
    { name: "erofs-utils", reason: "mkfs.erofs: seals images" },
    { name: "mmdebstrap", reason: "builds trees" },
    { name: "util-linux", reason: "unshare: a build's mounts and processes stay its own" },
  ],
  serve: [],
  demo: [
    { name: "qemu-system-x86", reason: "the nodes" },
    { name: "qemu-system-data", reason: "their firmware" },
    { name: "seabios", reason: "their BIOS" },
    { name: "ovmf", reason: "their UEFI" },
    { name: "ipxe-qemu", reason: "the PXE ROMs of their network cards" },
    { name: "iproute2", reason: "their private network" },
  ],
  storm: [
    { name: "iproute2", reason: "the private network that it is in" },
    { name: "nftables", reason: "nft: loses frames where the kernel has no netem" },
  ],
  medium: [
    { name: "isolinux", reason: "starts iPXE from CDs and USB sticks" },
    { name: "syslinux-common", reason: "what ISOLINUX loads" },
    { name: "xorriso", reason: "writes the image" },
  ],
  test: [
    { name: "atftp", reason: "a foreign TFTP client" },
    { name: "attr", reason: "setfattr: extended attributes that images carry" },
    { name: "btrfs-progs", reason: "a file system with subvolumes, to clone trees on" },
    { name: "busybox", reason: "a foreign shell, TFTP client and HTTP server" },
    { name: "chromium", reason: "shows the live page and reports" },
    { name: "curl", reason: "a foreign HTTP client" },
    { name: "dnsmasq-base", reason: "a foreign DHCP server" },
    { name: "dosfstools", reason: "fsck.fat: judges what is written as FAT" },
    {
      name: "e2fsprogs",
      reason: "makes file systems for layers; filefrag: where a file has holes",
    },
    { name: "fio", reason: "writes and verifies from many jobs at once" },
    {
      name: "gcc",
      reason: "compiles the load that replays boots and the client that compares trees",
    },
    { name: "grub-common", reason: "grub-script-check: judges what GRUB is given" },
    { name: "grub-efi-amd64-bin", reason: "GRUB for UEFI without a tree" },
    { name: "ipxe", reason: "iPXE's loaders without a tree" },
    { name: "isc-dhcp-client", reason: "a foreign DHCP client" },
    { name: "isc-dhcp-relay", reason: "a foreign DHCP relay" },
    { name: "kea-dhcp4-server", reason: "a foreign DHCP server, for simulated nodes" },
    { name: "libc6-dev", reason: "what those are compiled with" },
    { name: "libiscsi-bin", reason: "iscsi-ls, iscsi-inq: a foreign iSCSI initiator" },
    { name: "libnfs-dev", reason: "a foreign NFS client that compares trees is compiled with it" },
    { name: "libnfs-utils", reason: "a foreign NFS client" },
    { name: "mtools", reason: "a foreign reader of FAT" },
    { name: "nfs-common", reason: "showmount: a foreign MOUNT client" },
    { name: "nfs-ganesha", reason: "a foreign NFS server, for simulated nodes" },
    { name: "nfs-ganesha-vfs", reason: "its directories" },
    { name: "open-iscsi", reason: "iscsiadm: reads the records of sessions that iscsid finds" },
    { name: "nftables", reason: "nft: loses frames where the kernel has no netem" },
    { name: "openssh-client", reason: "golden clients are captured over it" },
    { name: "openssh-server", reason: "what a golden client has" },
    { name: "pxelinux", reason: "a loader without a tree" },
    { name: "qemu-block-extra", reason: "QEMU's own iSCSI initiator, a foreign one" },
    { name: "qemu-utils", reason: "qemu-img, qemu-io, qemu-nbd: what uses that initiator" },
    { name: "rpcbind", reason: "rpcinfo: a foreign client of the portmapper" },
    { name: "rsync", reason: "captures golden clients" },
    { name: "tcpdump", reason: "captures what is sent" },
    { name: "tftp-hpa", reason: "a foreign TFTP client" },
    { name: "tftpd-hpa", reason: "a foreign TFTP server, for simulated nodes" },
    { name: "tgt", reason: "a foreign iSCSI server: judges the load of the benches" },
    { name: "tshark", reason: "judges what is sent" },
    { name: "udhcpc", reason: "a foreign DHCP client" },
    { name: "uidmap", reason: "newuidmap: an ordinary user is root of a namespace" },
    { name: "xfsprogs", reason: "a file system whose files share blocks, to clone trees on" },
  ],
  bench: [
    { name: "curl", reason: "follows the live events while loads run" },
    { name: "dnsmasq-base", reason: "a DHCP and TFTP server to compare with" },
    { name: "erofs-utils", reason: "mkfs.erofs: seals the tree that is served" },
    { name: "gcc", reason: "compiles the load" },
    { name: "iperf3", reason: "what the loopback itself moves" },
    { name: "iproute2", reason: "a private network" },
    { name: "kea-admin", reason: "perfdhcp: a foreign load of DHCP" },
    { name: "kea-dhcp4-server", reason: "a DHCP server to compare with" },
    { name: "libc6-dev", reason: "what the load is compiled with" },
    { name: "libiscsi-bin", reason: "iscsi-perf: a foreign load of iSCSI" },
    { name: "mmdebstrap", reason: "builds trees, and is what a build is compared with" },
    { name: "nfs-ganesha", reason: "an NFS server to compare with" },
    { name: "nfs-ganesha-vfs", reason: "its directories" },
    { name: "rpcbind", reason: "that server registers there" },
    { name: "tftpd-hpa", reason: "a TFTP server to compare with" },
    { name: "tgt", reason: "an iSCSI server to compare with" },
    { name: "util-linux", reason: "unshare, nsenter, taskset: who runs where" },
  ],
};

const includes: Readonly<Record<Purpose, readonly Purpose[]>> = {
  build: ["build"],
  serve: ["serve"],
  demo: ["build", "demo"],
  storm: ["storm"],
  medium: ["medium"],
  test: ["build", "demo", "medium", "test"],
  bench: ["bench"],
};

export function packagesFor(purpose: Purpose): DebianPackage[] {
  return includes[purpose].flatMap((part) => own[part]);
}

export function missingPackages(purpose: Purpose): DebianPackage[] {
  const wanted = packagesFor(purpose);
  const names = wanted.map(({ name }) => name);
  const query = spawnSync(
    "dpkg-query",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own
    ["--show", "--showformat", "${Package} ${db:Status-Status}\n", ...names],
    { encoding: "utf8" },
  );
  if (query.error !== undefined) {
    throw new UserError(
      "this is not Debian: dpkg-query is missing, and packages are known by Debian's names",
    );
  }
  const installed = new Set(
    query.stdout.split("\n").flatMap((line) => /^(\S+) installed$/.exec(line)?.[1] ?? []),
  );
  return wanted.filter(({ name }) => !installed.has(name));
}

/** As root, after saying which. @throws UserError */
export async function installMissing(wanted: readonly Purpose[]): Promise<void> {
  const names = [...new Set(wanted.flatMap(missingPackages).map(({ name }) => name))];
  if (names.length === 0) return;
  process.stderr.write(`sidus: installing with apt-get: ${names.join(" ")}\n`);
  await installPackages(names);
}

/** @throws UserError that says how to get what is missing. */
export function requirePackages(purpose: Purpose): void {
  const missing = missingPackages(purpose).map(({ name }) => name);
  if (missing.length === 0) return;
  throw new UserError(
    `missing Debian packages: ${missing.join(" ")}; \`${installCommand(missing)}\` or \`sidus doctor ${purpose} --fix\` installs them`,
  );
}

export function installCommand(names: readonly string[]): string {
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  return `${sudo}apt-get install --no-install-recommends ${names.join(" ")}`;
}

const LISTS_FRESH_MS = 24 * 60 * 60 * 1000;

/** As root, with apt-get; its output goes to stderr. @throws UserError */
async function installPackages(names: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new UserError(`installing packages needs root: ${installCommand(names)}`);
  }
  if (!listsAreFresh()) await apt(["update"]);
  await apt(["install", "--yes", "--no-install-recommends", ...names]);
}

/** apt replaces files in this directory at each update. */
function listsAreFresh(): boolean {
  const lists = statSync("/var/lib/apt/lists/partial", { throwIfNoEntry: false });
  return lists !== undefined && Date.now() - lists.mtimeMs < LISTS_FRESH_MS;
}

function apt(args: readonly string[]): Promise<void> {
  const child = spawn("apt-get", args, {
    stdio: ["ignore", process.stderr, process.stderr],
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => {
      if (code === 0) return resolve();
      reject(new UserError(`apt-get ${args.join(" ")} failed; see above`, { exitCode: 1 }));
    });
  });
}
