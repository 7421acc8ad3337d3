import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { directoryIn, placeFile, textIn } from "../place.ts";

/**
 * Takes from a captured tree what ties it to the machine that it came from: its disks, its network cards and addresses.
 * What belongs to any one machine, such as keys and logs, cleanTree and finishTree take. Answers what somebody may miss,
 * a line each.
 */
export function untieTree(tree: string): string[] {
  return [...untieDisks(tree), ...untieNetwork(tree), ...untieHosts(tree)];
}

/** fstab(5): file systems that a node has as well, being elsewhere or nowhere. */
const anywhere =
  /^(?:nfs4?|cifs|smb3|ceph|glusterfs|lustre|afs|9p|fuse\.\S+|tmpfs|ramfs|proc|sysfs|devpts|debugfs|tracefs|configfs|efivarfs|securityfs|hugetlbfs|mqueue|cgroup2?|binfmt_misc|rpc_pipefs|overlay)$/;

function untieDisks(tree: string): string[] {
  const dropped: string[] = [];
  rewrite(tree, "etc/fstab", (line) => {
    const [, point = "", type = "", options = ""] = line.trim().split(/\s+/);
    if (point !== "/" && (anywhere.test(type) || /(?:^|,)r?bind(?:,|$)/.test(options))) return line;
    dropped.push(point === "none" || point === "swap" ? "swap" : point);
    return `# of the golden client: ${line}`;
  });
  rewrite(tree, "etc/crypttab", (line) => `# of the golden client: ${line}`);
  // initramfs-tools waits for it: `RESUME=UUID=…`.
  removeIn(tree, "etc/initramfs-tools/conf.d", /^resume$/);
  // Images of other kernels, and of this machine: one is made anew.
  removeIn(tree, "boot", /^(?:initrd\.img-|initramfs-)/);
  for (const directory of ["nodes", "send_targets"]) {
    removeIn(tree, join("etc/iscsi", directory), /./);
  }
  if (dropped.length === 0) return [];
  return [`/etc/fstab: without its disks: ${[...new Set(dropped)].join(", ")}`];
}

/** A node has its address from DHCP before the system starts, and its root by it: nobody may configure that card anew. */
function untieNetwork(tree: string): string[] {
  const notes: string[] = [];
  const interfaces = textIn(tree, "etc/network/interfaces");
  if (interfaces !== undefined) {
    placeFile(join(tree, "etc/network/interfaces"), "auto lo\niface lo inet loopback\n", 0o644);
    if (/^\s*iface\s+(?!lo\s)/m.test(interfaces)) {
      notes.push("/etc/network/interfaces: the loopback only");
    }
  }
  for (const [directory, names] of networkFiles) {
    const removed = removeIn(tree, directory, names);
    if (removed.length > 0) notes.push(`/${directory}: without ${removed.join(", ")}`);
  }
  removeIn(tree, "etc/udev/rules.d", /^\d+-persistent-(?:net|cd)(?:-generator)?\.rules$/);
  if (textIn(tree, "usr/lib/systemd/system/NetworkManager.service") !== undefined) {
    placeFile(join(tree, "etc/NetworkManager/conf.d/sidus.conf"), networkManager, 0o644);
    notes.push("NetworkManager: leaves Ethernet cards as the initrd configured them");
  }
  return notes;
}

/** What configures cards, by directory. */
const networkFiles: readonly (readonly [directory: string, names: RegExp])[] = [
  ["etc/network/interfaces.d", /./],
  ["etc/netplan", /\.ya?ml$/],
  ["etc/NetworkManager/system-connections", /./],
  ["etc/systemd/network", /\.(?:network|link)$/],
];

/** NetworkManager.conf(5). */
const networkManager = "[keyfile]\nunmanaged-devices=type:ethernet\n";

/** Its own name, which nodes do not have: `127.0.1.1 golden`, and wherever else its address stands. */
function untieHosts(tree: string): string[] {
  // Some write the whole name there.
  const [name] = textIn(tree, "etc/hostname")?.trim().split(".") ?? [];
  const dropped: string[] = [];
  rewrite(tree, "etc/hosts", (line) => {
    const [address = "", ...names] = line.trim().split(/\s+/);
    const isOwn = names.some((one) => one.split(".")[0] === name && name !== "localhost");
    if (address !== "127.0.1.1" && !isOwn) return line;
    const others = names.filter((one) => /^(?:localhost|ip6-)/.test(one));
    if (others.length > 0) return [address, ...others].join("\t");
    dropped.push(line.trim());
    return undefined;
  });
  return dropped.map((line) => `/etc/hosts: without \`${line}\``);
}

/** Each line that says something; undefined takes it out. */
function rewrite(tree: string, path: string, change: (line: string) => string | undefined): void {
  const text = textIn(tree, path);
  if (text === undefined) return;
  const lines = text
    .split("\n")
    .flatMap((line) => (/^\s*(?:#|$)/.test(line) ? line : (change(line) ?? [])));
  const changed = lines.join("\n");
  const file = join(tree, path);
  if (changed !== text) placeFile(file, changed, lstatSync(file).mode & 0o7777);
}

function removeIn(tree: string, path: string, names: RegExp): string[] {
  const directory = directoryIn(tree, path);
  if (directory === undefined) return [];
  const found = readdirSync(directory).filter((name) => names.test(name));
  for (const name of found) rmSync(join(directory, name), { recursive: true, force: true });
  return found.sort();
}
