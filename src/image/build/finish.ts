import { existsSync, lstatSync, readdirSync, rmSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { UserError } from "../../user-error.ts";
import { insideTree } from "../inside.ts";
import { placeDirectory, placeFile, placeLink } from "../place.ts";
import { RESOLV_CONF } from "../settings/network.ts";

/** Which tree a node runs: /etc/sidus/tree in it, as `key: value` lines. */
export interface TreeIdentity {
  readonly name: string;
  readonly suite: string;
  readonly architecture: string;
  /** ISO 8601, UTC: its epoch, so that the same tree says the same. */
  readonly built: string;
  /** The version of sidus that built it. */
  readonly sidus: string;
}

export interface TreeKernel {
  readonly version: string;
  /** Absolute paths in the tree. */
  readonly kernel: string;
  readonly initrd: string;
  readonly initrdBytes: number;
}

/**
 * Work of a machine with disks, which a whole room would do at once over the network; five spare logins; and what fetches
 * a module (configfs, fuse, dm-mod) that is loaded when it is used, anyway.
 */
const maskedUnits = [
  "apt-daily.timer",
  "apt-daily-upgrade.timer",
  "dpkg-db-backup.timer",
  "e2scrub_all.timer",
  "e2scrub_reap.service",
  "fstrim.timer",
  "getty-static.service",
  "man-db.timer",
  "sys-fs-fuse-connections.mount",
  "sys-kernel-config.mount",
  "systemd-pstore.service",
  "systemd-repart.service",
];

/** What a bootstrap takes from the machine that it runs on: whose names its nodes ask, they are told by others. */
export function forgetBuilder(tree: string): void {
  placeFile(join(tree, "etc/resolv.conf"), "", 0o644);
  rmSync(join(tree, "etc/hostname"), { force: true });
}

/** In /dev besides devices: who can make none finds it empty. */
const deviceLinks = { fd: "fd", stdin: "fd/0", stdout: "fd/1", stderr: "fd/2" } as const;

/** Brings a bootstrapped tree into the state that every node may start from, whatever links lead out of it. */
export function finishTree(tree: string, identity: TreeIdentity): void {
  const at = (path: string): string => insideTree(tree, path);
  for (const mountPoint of ["ro", "rw", "dev/pts", "dev/shm"]) placeDirectory(at(mountPoint));
  for (const [name, target] of Object.entries(deviceLinks)) {
    placeLink(at(`dev/${name}`), `/proc/self/${target}`);
  }
  const systemd = "etc/systemd/system";
  for (const unit of maskedUnits) placeLink(at(`${systemd}/${unit}`), "/dev/null");
  placeLink(
    at(`${systemd}/multi-user.target.wants/sidus-up.service`),
    "/etc/systemd/system/sidus-up.service",
  );
  // Nodes leave a link alone (rootaufs); into a file they write what DHCP said.
  if (existsSync(at(RESOLV_CONF))) placeLink(at("etc/resolv.conf"), RESOLV_CONF);
  // machine-id(5): empty, so that each node makes one of its own at boot.
  placeFile(at("etc/machine-id"), "", 0o644);
  const initiator = at("etc/iscsi/initiatorname.iscsi");
  if (existsSync(dirname(initiator))) {
    // Two initiators of one name would take each other's sessions.
    placeFile(initiator, "GenerateName=yes\n", 0o600);
  }
  placeFile(at("etc/sidus/tree"), renderIdentity(identity), 0o644);
}

function renderIdentity(identity: TreeIdentity): string {
  return Object.entries(identity)
    .map(([key, value]) => `${key}: ${value}\n`)
    .join("");
}

/** Version of the newest kernel. @throws UserError where there is none. */
export function newestKernel(tree: string): string {
  const versions = readdirSync(join(tree, "boot"))
    .filter((name) => name.startsWith("vmlinuz-"))
    .map((name) => name.slice("vmlinuz-".length))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
  const version = versions.at(-1);
  if (version === undefined) throw incomplete("it has no kernel: no /boot/vmlinuz-VERSION");
  return version;
}

/** The newest kernel. @throws UserError where it could not boot a node. */
export function treeKernel(tree: string): TreeKernel {
  const version = newestKernel(tree);
  const kernel = `/boot/vmlinuz-${version}`;
  const initrd = `/boot/initrd.img-${version}`;
  for (const path of [kernel, initrd, `/lib/modules/${version}/modules.dep`]) {
    const file = lstatSync(join(tree, path), { throwIfNoEntry: false });
    if (file === undefined || file.size === 0) throw incomplete(`it has no ${path}`);
  }
  return { version, kernel, initrd, initrdBytes: statSync(join(tree, initrd)).size };
}

function incomplete(why: string): UserError {
  return new UserError(`the tree would not boot: ${why}`, { exitCode: 1 });
}
