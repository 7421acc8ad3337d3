import { lstatSync, readdirSync, rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { directoryIn } from "../place.ts";

/**
 * What is removed, by directory: what no two builds have in common, what is made again when it is missed, and what one
 * machine must not share with another. Names are matched as a whole.
 */
const removed: readonly (readonly [directory: string, names: RegExp])[] = [
  // What belongs to one run of a system.
  ["run", /.*/],
  ["tmp", /.*/],
  ["var/tmp", /.*/],
  // Logs of what was installed, and older ones.
  ["var/log", /(?:alternatives|bootstrap|dpkg|fontconfig)\.log|.*\.(?:\d+|gz|xz|old)/],
  ["var/log/apt", /.*/],
  ["var/log/installer", /.*/],
  ["var/log/journal", /.*/],
  ["var/log/unattended-upgrades", /.*/],
  // What apt and dpkg fetched, worked out or did before.
  ["var/lib/apt/lists", /(?!partial$).*/],
  ["var/lib/apt/lists/partial", /.*/],
  ["var/lib/apt/periodic", /.*/],
  ["var/cache/apt", /.*\.bin/],
  ["var/cache/apt/archives", /.*\.deb|lock/],
  ["var/cache/apt/archives/partial", /.*/],
  ["var/cache/debconf", /.*-old/],
  ["var/lib/dpkg", /.*-old/],
  ["var/backups", /.*/],
  ["var/cache/ldconfig", /aux-cache/],
  // Each names the time of its directory, to the nanosecond: it fits no more when that is the epoch.
  ["var/cache/fontconfig", /.*\.cache-\d+/],
  ["var/cache/man", /.*/],
  // Before the last change of a user.
  ["etc", /(?:group|gshadow|passwd|shadow|subgid|subuid)-|\.pwd\.lock/],
  // One machine's own.
  ["etc", /hostname/],
  ["etc/ssh", /ssh_host_.*_key(?:\.pub)?/],
  ["var/lib/dbus", /machine-id/],
  ["var/lib/dhcp", /.*\.leases~?/],
  ["var/lib/systemd", /credential\.secret|random-seed/],
  ["root", /\.(?:bash_history|lesshst|python_history|viminfo|wget-hsts)/],
];

/**
 * Removes from a tree what its building or running left behind. Directories and logs stay, with their owners: what
 * writes into them may not be able to make them. Never through a link: absolute ones lead out of the tree from here.
 */
export function cleanTree(tree: string): void {
  for (const [directory, names] of removed) {
    const whole = new RegExp(`^(?:${names.source})$`);
    for (const name of namesIn(tree, directory).filter((one) => whole.test(one))) {
      rmSync(join(tree, directory, name), { recursive: true, force: true });
    }
  }
  // machine-id(5): each node makes one of its own at boot, where there is an empty one.
  if (namesIn(tree, "etc").includes("machine-id")) emptyFile(join(tree, "etc/machine-id"));
  emptyLogs(tree, "var/log");
}

function emptyLogs(tree: string, directory: string): void {
  for (const name of namesIn(tree, directory)) {
    const path = join(directory, name);
    emptyFile(join(tree, path));
    emptyLogs(tree, path);
  }
}

function emptyFile(file: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() === true && stats.size > 0) truncateSync(file);
}

/** None where there is no such directory. */
function namesIn(tree: string, path: string): string[] {
  const directory = directoryIn(tree, path);
  return directory === undefined ? [] : readdirSync(directory);
}
