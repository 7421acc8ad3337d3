import { rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { ErofsTree } from "../../tree/erofs/tree.ts";
import { directoryIn, textIn } from "../place.ts";
import { placesOf } from "./archive.ts";
import { unpackPart } from "./unpack.ts";

/**
 * What a node writes that boots, and no other node may have: what DHCP and iSCSI told it, and what its daemons keep of
 * one machine. cleanTree knows the rest: names, keys, logs, seeds.
 */
const nodeFiles = [
  "etc/.updated",
  "etc/adjtime",
  "etc/hostname",
  "etc/iscsi/initiatorname.iscsi",
  "etc/iscsi/nodes",
  "etc/iscsi/send_targets",
  "etc/resolv.conf",
  "var/.updated",
  "var/lib/NetworkManager",
  "var/lib/logrotate/status",
  "var/lib/systemd/backlight",
  "var/lib/systemd/coredump",
  "var/lib/systemd/network",
  "var/lib/systemd/rfkill",
  "var/lib/systemd/timers",
  "var/lib/systemd/timesync",
  "var/lib/urandom",
];

/** How the initrd of a node marks its own line in /etc/hosts. */
const MARKED = /^.*# from DHCP$\n?/gm;

/** Takes what belongs to one node from a tree that a node wrote to: it is as its base has it. */
export async function leaveNodeFiles(tree: string, base: ErofsTree): Promise<void> {
  const files = nodeFiles.filter((file) => directoryIn(tree, dirname(file)) !== undefined);
  for (const file of files) rmSync(join(tree, file), { recursive: true, force: true });
  // The root's mode and owner are those of the directory that the node's initrd made for the layer.
  const restored = new Set([""]);
  for await (const { path } of placesOf(base)) {
    if (files.some((file) => `${path}/`.startsWith(`${file}/`))) restored.add(path);
  }
  await unpackPart(base, { to: tree, has: (path) => restored.has(path) });
  unmarkHosts(tree, "etc/hosts");
}

function unmarkHosts(tree: string, path: string): void {
  const text = textIn(tree, path);
  const directory = directoryIn(tree, dirname(path));
  if (text === undefined || directory === undefined || text.search(MARKED) < 0) return;
  writeFileSync(join(directory, basename(path)), text.replaceAll(MARKED, ""));
}
