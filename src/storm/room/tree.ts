import { createCipheriv, createHash } from "node:crypto";
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import {
  FILE_NAME_BYTES_MAX,
  STORM_TREE_BYTES_MAX,
  STORM_TREE_MAKING_MS,
  STORM_TREE_PIECE_BYTES,
  STORM_TREE_USED_MS,
  STORM_TREE_USED_SAID_MS,
  STORM_TREES_KEPT,
} from "../../limits.ts";
import { after, type Clock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import type { Trace } from "../trace/trace.ts";

/**
 * A tree that a trace's node could have booted: its files with their names, types and sizes, a kernel, an initrd and
 * loaders as large as the recorded ones. Contents are pseudo-random, the same from the same seed.
 */
export interface StormTreeOptions {
  readonly trace: Trace;
  readonly seed: number;
  /** Where trees are kept, the last few that were asked for. */
  readonly cache: string;
  /** Where in a tree the loader is that is asked for by this name; undefined: no loader is called so. */
  readonly loaderPath: (name: string) => string | undefined;
  readonly clock: Pick<Clock, "epochMs">;
}

/** Of how trees are made: another one makes other trees of the same trace. */
const VERSION = 1;
const PREFIX = "storm-";
const MAKING = "making-";
/** Where a trace does not say which kernel booted. */
const SOME_KERNEL = "6.1.0-storm";
/** Which tree a node runs, as image/build writes it. */
const IDENTITY = "etc/sidus/tree";

/** Path of the tree; made the first time. @throws UserError for a trace whose tree cannot be made. */
export function stormTree(options: StormTreeOptions): string {
  const { cache, seed, clock } = options;
  const plan = planOf(options);
  const name = `${PREFIX}${keyOf(plan, seed)}`;
  const tree = join(cache, name);
  if (!existsSync(tree)) {
    mkdirSync(cache, { recursive: true });
    const making = mkdtempSync(join(cache, MAKING));
    try {
      make(plan, seed, making);
      chmodSync(making, 0o755);
      put(making, tree);
    } finally {
      rmSync(making, { recursive: true, force: true });
    }
  }
  sayUsed(tree, clock);
  removeOld(cache, clock.epochMs());
  return tree;
}

/** While it is there, other storms keep the tree. */
export function useTree(tree: string, clock: Clock): Disposable {
  const alarm = clock.alarm(() => {
    // Whoever removed it by hand: nodes will tell.
    if (existsSync(tree)) sayUsed(tree, clock);
    alarm.set(after(clock.now(), STORM_TREE_USED_SAID_MS));
  });
  alarm.set(after(clock.now(), STORM_TREE_USED_SAID_MS));
  return alarm;
}

function sayUsed(tree: string, clock: Pick<Clock, "epochMs">): void {
  const now = clock.epochMs() / 1000;
  utimesSync(tree, now, now);
}

interface Plan {
  /** Path below the root → bytes. */
  readonly files: ReadonlyMap<string, number>;
  readonly directories: ReadonlySet<string>;
  /** Path → where to. */
  readonly links: ReadonlyMap<string, string>;
  readonly texts: ReadonlyMap<string, string>;
}

function planOf({ trace, loaderPath }: StormTreeOptions): Plan {
  const files = new Map<string, number>();
  const directories = new Set(["usr/lib"]);
  const links = new Map([["lib", "usr/lib"]]);
  for (const { path, type, size } of trace.files) {
    if (type === "missing" || path === "") continue;
    if (type === "directory") directories.add(path);
    else if (type === "link") links.set(path, targetOf(path, size));
    else files.set(path, type === "file" ? size : 0);
  }
  for (const [path, bytes] of bootFiles(trace, loaderPath)) files.set(path, bytes);
  const version = kernelVersion(trace);
  directories.add(directories.has("lib") ? `lib/modules/${version}` : `usr/lib/modules/${version}`);
  const identity = `name: storm\nkernel: ${version}\n`.padEnd(files.get(IDENTITY) ?? 0, "\n");
  const texts = new Map([[IDENTITY, identity]]);
  files.delete(IDENTITY);
  for (const path of [...files.keys(), ...links.keys(), ...texts.keys(), ...directories]) {
    refuseOddPath(path);
    for (let above = dirname(path); above !== "."; above = dirname(above)) directories.add(above);
  }
  const bytes = files.values().reduce((sum, size) => sum + size, 0);
  if (bytes > STORM_TREE_BYTES_MAX) {
    throw new UserError(
      `the trace's files take ${Math.round(bytes / 2 ** 20)} MiB, expected at most ${STORM_TREE_BYTES_MAX / 2 ** 20}; --tree serves a tree that is there`,
    );
  }
  return { files, directories, links, texts };
}

/** What loaders fetched, where boot/ finds it. */
function bootFiles(
  trace: Trace,
  loaderPath: StormTreeOptions["loaderPath"],
): ReadonlyMap<string, number> {
  const version = kernelVersion(trace);
  const found = new Map<string, number>([
    [`boot/vmlinuz-${version}`, 1],
    [`boot/initrd.img-${version}`, 1],
  ]);
  for (const { deed } of trace.steps) {
    if ((deed.kind !== "tftp" && deed.kind !== "http") || deed.ends !== "whole") continue;
    const { role, path, bytes } = deed;
    if (role === "kernel") found.set(`boot/vmlinuz-${version}`, bytes);
    else if (role === "initrd") found.set(`boot/initrd.img-${version}`, bytes);
    else if (role !== "config") {
      const loader = loaderPath(path.replace(/^\/+/, ""));
      if (loader !== undefined) found.set(loader.replace(/^\/+/, ""), bytes);
    }
  }
  return found;
}

function kernelVersion({ about }: Trace): string {
  return /^[A-Za-z0-9][\w.+~-]{0,63}$/.test(about.kernel) ? about.kernel : SOME_KERNEL;
}

/** Where /usr is merged (usrmerge), it leads there; of others a trace knows only how long they are. */
function targetOf(path: string, size: number): string {
  const merged = `usr/${path}`;
  if (!path.includes("/") && size === merged.length) return merged;
  return "x".repeat(Math.min(Math.max(size, 1), FILE_NAME_BYTES_MAX));
}

/** A trace may be anybody's: nothing of it leads out of the tree. */
function refuseOddPath(path: string): void {
  const isPlain = path
    .split("/")
    .every(
      (name) =>
        name !== "" &&
        name !== "." &&
        name !== ".." &&
        !name.includes("\0") &&
        name.length <= FILE_NAME_BYTES_MAX,
    );
  if (!isPlain)
    throw new UserError(`the trace names a file ${JSON.stringify(path)}, which no tree can have`);
}

function keyOf(plan: Plan, seed: number): string {
  const parts = [[...plan.files], [...plan.directories], [...plan.links], [...plan.texts]];
  const sorted = parts.map((part) => part.map((entry) => JSON.stringify(entry)).sort());
  const text = JSON.stringify([VERSION, seed, sorted]);
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

/** Links last: nothing is made through them. */
function make({ files, directories, links, texts }: Plan, seed: number, tree: string): void {
  const isFree = (path: string): boolean =>
    lstatSync(at(tree, path), { throwIfNoEntry: false }) === undefined;
  for (const path of directories) mkdirSync(at(tree, path), { recursive: true });
  for (const [path, bytes] of files) {
    if (isFree(path)) fill(at(tree, path), bytes, `${seed} ${path}`);
  }
  for (const [path, text] of texts) {
    if (isFree(path)) write(at(tree, path), (fd) => writeFileSync(fd, text));
  }
  for (const [path, target] of links) {
    if (isFree(path)) symlinkSync(Buffer.from(target, "latin1"), at(tree, path));
  }
}

/** Traces have a byte of a name a character. */
function at(tree: string, path: string): Buffer {
  return Buffer.concat([Buffer.from(`${tree}/`), Buffer.from(path, "latin1")]);
}

const zeros = Buffer.alloc(STORM_TREE_PIECE_BYTES);

/** What AES makes of zeros: no disk and no network makes it smaller, and it is faster than either. */
function fill(file: Buffer, bytes: number, key: string): void {
  const digest = createHash("sha256").update(key).digest();
  const stream = createCipheriv("aes-128-ctr", digest.subarray(0, 16), digest.subarray(16));
  write(file, (fd) => {
    for (let left = bytes; left > 0; left -= zeros.length) {
      writeFileSync(fd, stream.update(zeros.subarray(0, Math.min(left, zeros.length))));
    }
  });
}

function write(file: Buffer, put: (fd: number) => void): void {
  const fd = openSync(file, "wx", 0o755);
  try {
    put(fd);
  } finally {
    closeSync(fd);
  }
}

/** Another storm may have made the same one meanwhile. */
function put(making: string, tree: string): void {
  try {
    renameSync(making, tree);
  } catch (error) {
    if (!existsSync(tree)) throw error;
  }
}

/** One that a storm uses now said so lately; one that is made now was begun lately. */
function removeOld(cache: string, now: number): void {
  const found = readdirSync(cache).map((name) => {
    const path = join(cache, name);
    const usedAt = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? now;
    return { name, path, usedAt };
  });
  const trees = found.filter(({ name }) => name.startsWith(PREFIX));
  const old = [
    ...trees
      .sort((a, b) => b.usedAt - a.usedAt)
      .slice(STORM_TREES_KEPT)
      .filter(({ usedAt }) => usedAt < now - STORM_TREE_USED_MS),
    ...found.filter(
      ({ name, usedAt }) => name.startsWith(MAKING) && usedAt < now - STORM_TREE_MAKING_MS,
    ),
  ];
  for (const { path } of old) rmSync(path, { recursive: true, force: true });
}
