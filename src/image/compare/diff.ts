import { DIFF_FILES_AT_ONCE } from "../../limits.ts";
import type { Answer, Attributes, FileId, FileType, Timestamp, Tree } from "../../tree/tree.ts";
import { isSameContent } from "./content.ts";
import { answerOf, type Pair, pairsOf, textOf } from "./pairs.ts";

/** A tree that may know of extended attributes: an image does, a directory does not. */
export interface Compared extends Tree {
  xattrs?(id: FileId): Answer<ReadonlyMap<string, Uint8Array>>;
}

/** One way in which a file differs; `from` and `to` as they are shown, where they are short. */
export interface Difference {
  readonly what:
    | "type"
    | "content"
    | "size"
    | "target"
    | "device"
    | "mode"
    | "owner"
    | "links"
    | "xattrs"
    | "time";
  readonly from?: string;
  readonly to?: string;
}

export interface Change {
  readonly kind: "added" | "removed" | "changed";
  /** From the root of the tree: `/etc/motd`. */
  readonly path: string;
  /** As it is now; of what was removed, as it was. */
  readonly type: FileType;
  /** Bytes, of a file. */
  readonly size: number;
  /** None of what was added or removed. */
  readonly differences: readonly Difference[];
}

export interface DiffOptions {
  /** Whether a file differs that has another time only. */
  readonly times?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * What turns one tree into another, by path. Nothing is believed of contents but the bytes: they are read wherever
 * both files have the same size. What is held in memory is the listings of the directories on the way.
 * @throws UserError where something cannot be read.
 */
export async function* diffTrees(
  before: Compared,
  after: Compared,
  { times = false, signal }: DiffOptions = {},
): AsyncGenerator<Change> {
  const pending: Promise<Change | undefined>[] = [];
  try {
    for await (const pair of pairsOf(before, after)) {
      signal?.throwIfAborted();
      const change = changeOf(pair, { before, after, times });
      // What fails is told in its turn.
      change.catch(() => {});
      pending.push(change);
      if (pending.length < DIFF_FILES_AT_ONCE) continue;
      const first = await pending.shift();
      if (first !== undefined) yield first;
    }
    for (const each of pending) {
      const change = await each;
      if (change !== undefined) yield change;
    }
  } finally {
    // Who stops early closes the trees.
    await Promise.allSettled(pending);
  }
}

interface Sides {
  readonly before: Compared;
  readonly after: Compared;
  readonly times: boolean;
}

async function changeOf(pair: Pair, sides: Sides): Promise<Change | undefined> {
  const { before, after } = pair;
  const path = textOf(pair.path);
  const shown = after ?? before;
  if (shown === undefined) throw new Error("a pair of nothing");
  const known = { path, type: shown.type, size: shown.type === "file" ? shown.size : 0 };
  if (before === undefined) return { kind: "added", ...known, differences: [] };
  if (after === undefined) return { kind: "removed", ...known, differences: [] };
  const differences = await differencesOf(pair.path, { before, after }, sides);
  return differences.length === 0 ? undefined : { kind: "changed", ...known, differences };
}

interface Both {
  readonly before: Attributes;
  readonly after: Attributes;
}

async function differencesOf(path: string, both: Both, sides: Sides): Promise<Difference[]> {
  const { before, after } = both;
  const isType = before.type === after.type;
  const of = (what: Difference["what"], read: (one: Attributes) => string): Difference[] => {
    const [from, to] = [read(before), read(after)];
    return from === to ? [] : [{ what, from, to }];
  };
  const isLinked = isType && after.type !== "directory";
  return [
    ...of("type", ({ type }) => type),
    ...(isType ? await ofType(path, both, sides) : []),
    ...(after.type === "symlink"
      ? []
      : of("mode", ({ mode }) => mode.toString(8).padStart(4, "0"))),
    ...of("owner", ({ uid, gid }) => `${uid}:${gid}`),
    ...(isLinked ? of("links", ({ links }) => String(links)) : []),
    ...(await ofXattrs(path, both, sides)),
    ...(sides.times ? of("time", ({ modified }) => timeText(modified)) : []),
  ];
}

/** What only files of its type have. */
async function ofType(
  path: string,
  { before, after }: Both,
  sides: Sides,
): Promise<readonly Difference[]> {
  switch (after.type) {
    case "file": {
      const [from, to] = [before.size, after.size];
      if (from !== to) return [{ what: "content" }, { what: "size", from: `${from}`, to: `${to}` }];
      const a = { tree: sides.before, id: before.id };
      const b = { tree: sides.after, id: after.id };
      return (await isSameContent(a, b, { size: to, path })) ? [] : [{ what: "content" }];
    }
    case "symlink": {
      const [from, to] = await Promise.all([
        answerOf(sides.before.readlink(before.id), path),
        answerOf(sides.after.readlink(after.id), path),
      ]);
      if (from.target === to.target) return [];
      return [{ what: "target", from: textOf(from.target), to: textOf(to.target) }];
    }
    case "block":
    case "character": {
      const [from, to] = [before, after].map(({ device }) => `${device.major}:${device.minor}`);
      return from === to ? [] : [{ what: "device", from: `${from}`, to: `${to}` }];
    }
    default:
      return [];
  }
}

async function ofXattrs(path: string, both: Both, sides: Sides): Promise<readonly Difference[]> {
  const { before, after } = sides;
  if (before.xattrs === undefined || after.xattrs === undefined) return [];
  const [from, to] = await Promise.all([
    answerOf(before.xattrs(both.before.id), path),
    answerOf(after.xattrs(both.after.id), path),
  ]);
  const isSame =
    from.size === to.size &&
    [...from].every(([name, value]) => {
      const other = to.get(name);
      return other !== undefined && Buffer.compare(value, other) === 0;
    });
  return isSame ? [] : [{ what: "xattrs" }];
}

function timeText({ seconds, nanoseconds }: Timestamp): string {
  const second = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${second}.${String(nanoseconds).padStart(9, "0")}Z`;
}
