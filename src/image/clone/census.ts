import { type BigIntStats, lstatSync } from "node:fs";
import { readdir } from "node:fs/promises";
import process from "node:process";

/** What is in a tree, before it is copied. */
export interface Census {
  readonly entries: number;
  /** That its files take, each of them once however many names it has, without their holes. */
  readonly bytes: number;
  /** Where another file system begins: a mount, or a subvolume. */
  readonly inner: readonly string[];
  /** The first whose owner or group this process could not give its copy; undefined: none. */
  readonly foreign: string | undefined;
  /** Any file that has content. */
  readonly file: Buffer | undefined;
}

interface Entry {
  readonly path: Buffer;
  readonly stats: BigIntStats;
}

/** A tree and all that is in it, each name as it is on disk. What goes away meanwhile is not in it. */
async function* entriesOf(tree: string, signal: AbortSignal | undefined): AsyncGenerator<Entry> {
  const pending: Buffer[] = [Buffer.from(tree)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    if (stats === undefined) continue;
    yield { path, stats };
    if (!stats.isDirectory()) continue;
    signal?.throwIfAborted();
    for (const name of await namesIn(path)) {
      pending.push(Buffer.concat([path, Buffer.from("/"), name]));
    }
  }
}

async function namesIn(directory: Buffer): Promise<Buffer[]> {
  try {
    return await readdir(directory, { encoding: "buffer" });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

export async function takeCensus(tree: string, signal?: AbortSignal): Promise<Census> {
  const found = { entries: 0, bytes: 0 };
  const inner: string[] = [];
  const devices = new Set<bigint>();
  const counted = new Set<string>();
  let foreign: string | undefined;
  let file: Buffer | undefined;
  for await (const { path, stats } of entriesOf(tree, signal)) {
    found.entries += 1;
    if (!isOurs(stats)) foreign ??= path.toString();
    if (!devices.has(stats.dev)) {
      if (devices.size > 0) inner.push(path.toString());
      devices.add(stats.dev);
    }
    const identity = `${stats.dev}:${stats.ino}`;
    if (!stats.isFile() || counted.has(identity)) continue;
    if (stats.nlink > 1n) counted.add(identity);
    if (stats.size > 0n) file ??= path;
    const allocated = stats.blocks * 512n;
    found.bytes += Number(allocated < stats.size ? allocated : stats.size);
  }
  return { ...found, inner, foreign, file };
}

/** Root gives everything to everybody. */
function isOurs({ uid, gid }: BigIntStats): boolean {
  const own = process.getuid?.();
  if (own === 0) return true;
  return Number(uid) === own && (process.getgroups?.() ?? []).includes(Number(gid));
}

/** What was written, renamed, made or removed since, by paths in the tree: by its status change, which nobody can set. */
export async function changedSince(
  tree: string,
  sinceNs: bigint,
  signal?: AbortSignal,
): Promise<string[]> {
  const changed: string[] = [];
  for await (const { path, stats } of entriesOf(tree, signal)) {
    if (stats.ctimeNs > sinceNs) changed.push(path.toString().slice(tree.length) || "/");
  }
  return changed.sort();
}
