import type { BigIntStats } from "node:fs";
import { hash53, hashOf64 } from "../bytes/hash.ts";
import type { Attributes, FileId, FileType, Timestamp, TreeError } from "./tree.ts";

/** From what the kernel says of a file to what a tree says of it. */
export function attributesOf(stats: BigIntStats, id: FileId): Attributes {
  return {
    id,
    type: typeOf(stats),
    mode: Number(stats.mode & 0o7777n),
    links: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    used: Number(stats.blocks) * 512,
    device: deviceOf(stats.rdev),
    accessed: timestamp(stats.atimeNs),
    modified: timestamp(stats.mtimeNs),
    changed: timestamp(stats.ctimeNs),
    generation: generationOf(stats),
  };
}

/** Attributes that are told of unchanged files are the same object again and again. */
export function isSame(a: Attributes, b: Attributes): boolean {
  return (
    a.id === b.id &&
    a.generation === b.generation &&
    isSameTime(a.changed, b.changed) &&
    isSameTime(a.modified, b.modified) &&
    isSameTime(a.accessed, b.accessed) &&
    a.size === b.size &&
    a.used === b.used &&
    a.links === b.links &&
    a.mode === b.mode &&
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.type === b.type &&
    a.device.major === b.device.major &&
    a.device.minor === b.device.minor
  );
}

export function isSameTime(a: Timestamp, b: Timestamp): boolean {
  return a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
}

/** When an inode is used again, it is born again. */
export function generationOf(stats: BigIntStats): number {
  return hashOf64(stats.birthtimeNs);
}

/** Ids that are no inode numbers of the root's device have the highest bit set. */
const FOREIGN = 1n << 63n;

/**
 * A file of the root's device is its inode number. Others (what is mounted below the root; the files of some overlay
 * file systems) are named by their place: device numbers do not outlive a restart.
 */
export function idOf(stats: BigIntStats, device: bigint, parent: FileId, name: string): FileId {
  if (stats.dev === device) return stats.ino as FileId;
  return (FOREIGN | BigInt(hash53(`${parent}/${name}`))) as FileId;
}

/** What a directory where something else is mounted looks like: empty, and nobody's. */
export function mountPoint(id: FileId): Attributes {
  const never = { seconds: 0, nanoseconds: 0 };
  return {
    id,
    type: "directory",
    mode: 0o555,
    links: 2,
    uid: 0,
    gid: 0,
    size: 4096,
    used: 0,
    device: { major: 0, minor: 0 },
    accessed: never,
    modified: never,
    changed: never,
    generation: 0,
  };
}

function typeOf(stats: BigIntStats): FileType {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isCharacterDevice()) return "character";
  if (stats.isBlockDevice()) return "block";
  return stats.isFIFO() ? "fifo" : "socket";
}

/** Linux keeps the low bits of both numbers together and the high ones apart (its makedev). */
function deviceOf(rdev: bigint): { major: number; minor: number } {
  return {
    major: Number(((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n)),
    minor: Number((rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n)),
  };
}

const NANOSECONDS = 1_000_000_000n;

function timestamp(ns: bigint): Timestamp {
  const rest = ((ns % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return { seconds: Number((ns - rest) / NANOSECONDS), nanoseconds: Number(rest) };
}

/** @throws what is no system error. */
export function treeErrorOf(error: unknown): TreeError {
  if (!(error instanceof Error && "code" in error)) throw error;
  switch (error.code) {
    case "ENOENT":
    case "ENAMETOOLONG":
      return "not-found";
    case "ENOTDIR":
      return "not-directory";
    case "EACCES":
    case "EPERM":
      return "denied";
    default:
      return "io";
  }
}
