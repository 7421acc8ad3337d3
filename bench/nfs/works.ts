import { lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Work } from "../table.ts";
import type { LoadOptions } from "./load.ts";
import { readTrace, replayList, type TraceName } from "./trace.ts";

export interface NfsWork extends Work {
  readonly load: LoadOptions;
}

/** Files that loads are about: of every directory some; resolving all of a tree would take longer than the load. */
const FILES_MAX = 4000;
/** READs: large files, so that every call is for as many bytes as it asks, and few enough to be in every server's cache. */
const LARGE_BYTES = 1 << 20;
const LARGE_ALL_BYTES = 256 << 20;
/** A replay that is not done then has failed. */
const REPLAY_SECONDS_MAX = 180;
const NODES = 100;
const KIB = 1024;

interface Lists {
  readonly all: string;
  readonly large: string;
  readonly traces: ReadonlyMap<TraceName, string>;
}

/** Reads the whole tree once, so that no server is the one that waits for the disk. */
export function writeLists(tree: string, work: string, traces: readonly TraceName[]): Lists {
  const files = regularFiles(tree);
  const every = Math.ceil(files.length / FILES_MAX);
  let left = LARGE_ALL_BYTES;
  const large = files.filter(({ size }) => {
    if (size < LARGE_BYTES || size > left) return false;
    left -= size;
    return true;
  });
  for (const { path } of files) readFileSync(join(tree, path));
  const write = (name: string, text: string): string => {
    writeFileSync(join(work, name), text);
    return join(work, name);
  };
  const lines = (list: readonly File[]): string =>
    list.map(({ size, path }) => `${size}\t/${path}\n`).join("");
  return {
    all: write("all", lines(files.filter((_, at) => at % every === 0))),
    // Of each only whole 128 KiB.
    large: write("large", lines(large.map((file) => ({ ...file, size: file.size & ~0x1ffff })))),
    traces: new Map(traces.map((name) => [name, write(name, replayList(readTrace(name), tree))])),
  };
}

interface File {
  readonly path: string;
  readonly size: number;
}

/** That are not empty, directory by directory. Names that a line of a list cannot hold are left out. */
function regularFiles(tree: string, directory = ""): File[] {
  const entries = readdirSync(join(tree, directory), { withFileTypes: true });
  return entries.flatMap((entry) => {
    const path = join(directory, entry.name);
    if (/[\n\t]/.test(entry.name)) return [];
    // readdir's own way into all directories follows links.
    if (entry.isDirectory()) return regularFiles(tree, path);
    const size = entry.isFile() ? lstatSync(join(tree, path)).size : 0;
    return size > 0 ? [{ path, size }] : [];
  });
}

export function worksOf(lists: Lists, seconds: number): NfsWork[] {
  const load = (
    work: string,
    connections: number,
    depth: number,
    size = 32 * KIB,
  ): LoadOptions => ({
    work,
    list: work === "read" ? lists.large : lists.all,
    connections,
    depth,
    size,
    seconds,
  });
  const replays = [...lists.traces].map(
    ([name, list]): NfsWork => ({
      title: `boot ${name}, ${NODES} nodes`,
      load: {
        ...load("trace", NODES, 64),
        list,
        seconds: REPLAY_SECONDS_MAX,
      },
      unit: "s",
    }),
  );
  return [
    { title: "NULL 4 x 16", load: load("null", 4, 16), unit: "calls/s" },
    { title: "GETATTR 4 x 16", load: load("getattr", 4, 16), unit: "calls/s" },
    { title: "LOOKUP 4 x 16", load: load("lookup", 4, 16), unit: "calls/s" },
    { title: "ACCESS 4 x 16", load: load("access", 4, 16), unit: "calls/s" },
    { title: "READDIRPLUS 4 x 4", load: load("readdirplus", 4, 4), unit: "calls/s" },
    { title: "READ 8 KiB 4 x 8", load: load("read", 4, 8, 8 * KIB), unit: "MB/s" },
    { title: "READ 128 KiB 4 x 8", load: load("read", 4, 8, 128 * KIB), unit: "MB/s" },
    { title: "mixed 100 x 1", load: load("mixed", 100, 1), unit: "calls/s" },
    ...replays,
  ];
}
