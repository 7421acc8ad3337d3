import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { UserError } from "../../user-error.ts";
import { runTool } from "../tool.ts";

/** linux/magic.h */
const BTRFS_SUPER_MAGIC = 0x9123683e;
/** linux/btrfs_tree.h, BTRFS_FIRST_FREE_OBJECTID: the inode of every subvolume's root. */
const SUBVOLUME_INODE = 256;

export function isSubvolume(path: string): boolean {
  return statfsSync(path).type === BTRFS_SUPER_MAGIC && statSync(path).ino === SUBVOLUME_INODE;
}

/** One that can be written to: a read-only one could not be moved to its place. */
export async function snapshotSubvolume(from: string, to: string): Promise<void> {
  await btrfs("subvolume", "snapshot", from, to);
}

export async function setReadOnly(subvolume: string, isReadOnly: boolean): Promise<void> {
  await btrfs("property", "set", "-ts", subvolume, "ro", String(isReadOnly));
}

export function isReadOnly(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EROFS";
  }
}

/** It takes no time: nothing could be interrupted. */
async function btrfs(...args: readonly string[]): Promise<void> {
  const { status, complaints } = await runTool({
    command: ["btrfs", ...args],
    debian: "btrfs-progs",
  });
  if (status === 0) return;
  throw new UserError(`btrfs ${args.join(" ")}: ${complaints.at(-1) ?? "failed"}`, { exitCode: 1 });
}
