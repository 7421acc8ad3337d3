import {
  type BigIntStats,
  closeSync,
  lstatSync,
  lutimesSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { UNPACK_READ_BYTES } from "../../limits.ts";
import type { ErofsTree } from "../../tree/erofs/tree.ts";
import type { Attributes, FileType } from "../../tree/tree.ts";
import { cleanTree } from "../build/clean.ts";
import { normaliseTree } from "../build/normalise.ts";
import { directoryIn } from "../place.ts";
import { everythingIn } from "../store/survey.ts";
import { runTool } from "../tool.ts";
import { type Place, placesOf } from "./archive.ts";
import { unpackPart } from "./unpack.ts";

const NS_PER_SECOND = 1_000_000_000n;

/**
 * A moment by the file system's own clock, which no file's last change in `directory` is after and all that follow are:
 * that clock stands still for milliseconds.
 */
export function momentIn(directory: string): bigint {
  const file = join(directory, "moment");
  const touched = (): bigint => {
    writeFileSync(file, "");
    return lstatSync(file, { bigint: true }).ctimeNs;
  };
  const first = touched();
  while (touched() === first);
  return first;
}

export interface Changed {
  readonly tree: string;
  /** What the tree was unpacked from… */
  readonly base: ErofsTree;
  /** …until this moment. */
  readonly unpacked: bigint;
  /** Of the tree, in seconds since 1970. */
  readonly epoch: number;
}

/**
 * Cleans a tree of what work in it left behind, so that it differs from its base by what was changed and nothing else:
 * what cleaning takes away of the base comes back, and what was only written again keeps its time.
 */
export async function settleTree({ tree, base, unpacked, epoch }: Changed): Promise<void> {
  const places: Place[] = [];
  for await (const place of placesOf(base)) places.push(place);
  const worked = statsOf(tree, places);
  for (const log of newLogs(tree, new Set(places.map(({ path }) => path)))) rmSync(log);
  cleanTree(tree);
  const cleaned = statsOf(tree, places);
  const lost = new Set<string>();
  for (const [path, before] of worked) if (wasCleaned(before, cleaned.get(path))) lost.add(path);
  if (lost.size > 0) await unpackPart(base, { to: tree, has: (path) => lost.has(path) });
  const newest = places.reduce((most, { attributes }) => Math.max(most, latest(attributes)), 0);
  normaliseTree(tree, Math.max(epoch, newest));
  await restoreTimes({ tree, base, unpacked, places });
}

/** That something was written to; what a package placed there, for a daemon that may not, is empty. */
function newLogs(tree: string, known: ReadonlySet<string>): Buffer[] {
  const logs = directoryIn(tree, "var/log");
  if (logs === undefined) return [];
  const prefix = Buffer.byteLength(`${tree}/`);
  return [...everythingIn(logs)]
    .filter(({ stats }) => stats.isFile() && stats.size > 0n)
    .filter(({ path }) => !known.has(path.subarray(prefix).toString("latin1")))
    .map(({ path }) => path);
}

/** By path. What is below a link, where the base has a directory, is not the tree's. */
function statsOf(tree: string, places: readonly Place[]): Map<string, BigIntStats> {
  const found = new Map<string, BigIntStats>();
  for (const { path } of places) {
    if (path !== "" && found.get(parentOf(path))?.isDirectory() !== true) continue;
    const stats = lstatSync(diskPath(tree, path), { bigint: true, throwIfNoEntry: false });
    if (stats !== undefined) found.set(path, stats);
  }
  return found;
}

function wasCleaned(before: BigIntStats, after: BigIntStats | undefined): boolean {
  if (after === undefined) return true;
  return !after.isDirectory() && (after.ino !== before.ino || after.size !== before.size);
}

function latest({ modified }: Attributes): number {
  return modified.nanoseconds > 0 ? modified.seconds + 1 : modified.seconds;
}

async function restoreTimes({
  tree,
  base,
  unpacked,
  places,
}: Omit<Changed, "epoch"> & { readonly places: readonly Place[] }): Promise<void> {
  const stats = statsOf(tree, places);
  const children = countByParent(places);
  const left = countByParent(places.filter(({ path }) => stats.has(path)));
  const restored: Place[] = [];
  for (const place of places) {
    const { path, attributes } = place;
    const now = stats.get(path);
    if (now === undefined || now.ctimeNs <= unpacked || !isLike(attributes, now)) continue;
    if (now.mtimeNs === timeNs(attributes)) continue;
    const at = diskPath(tree, path);
    const isSame =
      attributes.type === "directory"
        ? left.get(path) === children.get(path) && readdirSync(at).length === (left.get(path) ?? 0)
        : await hasSameContent(base, attributes, at);
    if (isSame) restored.push(place);
  }
  await setTimes(tree, restored);
}

function countByParent(places: readonly Place[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { path } of places) {
    if (path !== "") counts.set(parentOf(path), (counts.get(parentOf(path)) ?? 0) + 1);
  }
  return counts;
}

/** Node's own calls know no nanoseconds, and touch(1) gets no names that are not UTF-8. */
async function setTimes(tree: string, places: readonly Place[]): Promise<void> {
  const exact: string[] = [];
  for (const { path, attributes } of places) {
    const at = diskPath(tree, path);
    const { seconds, nanoseconds } = attributes.modified;
    const name = at.toString();
    if (nanoseconds === 0 || !Buffer.from(name).equals(at)) {
      lutimesSync(at, secondsOf(attributes), secondsOf(attributes));
    } else exact.push(`@${seconds}.${String(nanoseconds).padStart(9, "0")}`, name);
  }
  for (let from = 0; from < exact.length; from += TOUCHED_AT_ONCE) {
    const some = exact.slice(from, from + TOUCHED_AT_ONCE);
    await runTool({ command: ["sh", "-c", touch, "sidus", ...some], debian: "coreutils" });
  }
}

/** Of a command line, which Linux bounds: paths are 4096 bytes long at most. */
const TOUCHED_AT_ONCE = 256;
const touch = `while [ $# -gt 0 ]; do touch -h -d "$1" -- "$2"; shift 2; done`;

/** In all but content and times. */
function isLike({ type, mode, uid, gid, size }: Attributes, stats: BigIntStats): boolean {
  const isSized = type === "file" || type === "symlink";
  return (
    isOfType(type, stats) &&
    mode === Number(stats.mode & 0o7777n) &&
    uid === Number(stats.uid) &&
    gid === Number(stats.gid) &&
    (!isSized || size === Number(stats.size))
  );
}

/** Of those that have content; others are made anew only on purpose. */
function isOfType(type: FileType, stats: BigIntStats): boolean {
  if (type === "file") return stats.isFile();
  if (type === "directory") return stats.isDirectory();
  return type === "symlink" && stats.isSymbolicLink();
}

async function hasSameContent(
  base: ErofsTree,
  { id, type, size }: Attributes,
  at: Buffer,
): Promise<boolean> {
  if (type === "symlink") {
    const link = await base.readlink(id);
    return typeof link !== "string" && link.target === readlinkSync(at, { encoding: "latin1" });
  }
  const file = openSync(at, "r");
  const buffer = Buffer.allocUnsafe(UNPACK_READ_BYTES);
  try {
    for (let offset = 0; offset < size; ) {
      const slice = await base.read(id, offset, buffer.length);
      if (typeof slice === "string") return false;
      const bytes = Buffer.concat(slice.parts);
      slice.release();
      const read = readSync(file, buffer, 0, bytes.length, offset);
      if (bytes.length === 0 || !bytes.equals(buffer.subarray(0, read))) return false;
      offset += read;
    }
    return true;
  } finally {
    closeSync(file);
  }
}

function timeNs({ modified }: Attributes): bigint {
  return BigInt(modified.seconds) * NS_PER_SECOND + BigInt(modified.nanoseconds);
}

function secondsOf({ modified }: Attributes): number {
  return modified.seconds + modified.nanoseconds / 1e9;
}

function parentOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
}

/** Names are bytes. */
function diskPath(tree: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(path, "latin1")]);
}
