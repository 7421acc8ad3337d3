import { XATTRS_BYTES_MAX } from "../../limits.ts";
import type { TreeError } from "../tree.ts";
import { type Image, lookAt } from "./image.ts";
import type { Inode } from "./inode.ts";
import { known, type Steps } from "./steps.ts";

/**
 * Extended attributes, between an inode and its data. Those that many files have are in a place of their own, and are
 * named by numbers, in words of 4 bytes from the superblock's xattr_blkaddr on:
 *
 *   0             4              5       12
 *   | name filter | shared_count | …     | shared numbers, 4 each … | entries …
 *
 * An entry, each from a multiple of 4 on:
 *
 *   0          1            2            4
 *   | name_len | name_index | value_size | name … | value …
 *
 * Not read: names with prefixes of the image's own, which no mkfs.erofs writes unless told to.
 */
const HEADER_BYTES = 12;
const ENTRY_BYTES = 4;
const WORD_BYTES = 4;

/** name_index: what a name begins with. */
const prefixes: Readonly<Record<number, string>> = {
  1: "user.",
  2: "system.posix_acl_access",
  3: "system.posix_acl_default",
  4: "trusted.",
  6: "security.",
};

/**
 * By their whole names, which are bytes (latin1). In the order in which mkfs.erofs 1.5 found them, by which it writes
 * them: the shared ones backwards.
 */
export type Xattrs = ReadonlyMap<string, Uint8Array>;

interface Entry {
  readonly name: string;
  readonly value: Uint8Array;
  /** With what follows it up to the next. */
  readonly bytes: number;
}

export function* readXattrs(image: Image, inode: Inode): Steps<Xattrs> {
  const found = new Map<string, Uint8Array>();
  const { at, bytes } = inode.xattrs;
  if (bytes === 0) return found;
  if (bytes > XATTRS_BYTES_MAX) return "io";
  const area = lookAt(yield* known(image.read(at, bytes)), areaIn);
  if (typeof area === "string") return area;
  let left = XATTRS_BYTES_MAX - bytes;
  for (const number of area.shared.toReversed()) {
    const entry = yield* sharedEntry(image, image.superblock.sharedXattrsAt + number * WORD_BYTES);
    if (typeof entry === "string") return entry;
    left -= entry.bytes;
    if (left < 0) return "io";
    found.set(entry.name, entry.value);
  }
  for (const { name, value } of area.inline) found.set(name, value);
  return found;
}

interface Area {
  /** Numbers. */
  readonly shared: readonly number[];
  readonly inline: readonly Entry[];
}

function areaIn(area: Uint8Array): Area | TreeError {
  const view = new DataView(area.buffer, area.byteOffset, area.byteLength);
  const count = view.getUint8(4);
  const entriesAt = HEADER_BYTES + count * WORD_BYTES;
  if (entriesAt > area.length) return "io";
  const inline: Entry[] = [];
  for (let at = entriesAt; at < area.length; ) {
    const entry = entryIn(area.subarray(at));
    if (entry === undefined) return "io";
    inline.push(entry);
    at += entry.bytes;
  }
  const shared = Array.from({ length: count }, (_, index) =>
    view.getUint32(HEADER_BYTES + index * WORD_BYTES, true),
  );
  return { shared, inline };
}

function* sharedEntry(image: Image, at: number): Steps<Entry> {
  const head = lookAt(yield* known(image.read(at, ENTRY_BYTES)), (bytes) => ({
    bytes: entryBytes(bytes),
  }));
  if (typeof head === "string") return head;
  return lookAt(
    yield* known(image.read(at, head.bytes)),
    (bytes) => entryIn(bytes) ?? ("io" as const),
  );
}

function entryIn(bytes: Uint8Array): Entry | undefined {
  if (bytes.length < ENTRY_BYTES || bytes.length < entryBytes(bytes)) return undefined;
  const [nameBytes = 0, index = 0] = bytes;
  const prefix = prefixes[index];
  if (prefix === undefined) return undefined;
  const valueAt = ENTRY_BYTES + nameBytes;
  const suffix = Buffer.from(bytes.subarray(ENTRY_BYTES, valueAt)).toString("latin1");
  if (suffix.includes("\0")) return undefined;
  const name = prefix + suffix;
  // A copy: what it is read from is the cache's.
  const value = bytes.slice(valueAt, entryBytes(bytes));
  return { name, value, bytes: Math.ceil(entryBytes(bytes) / WORD_BYTES) * WORD_BYTES };
}

/** Without what fills the last word. */
function entryBytes(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return ENTRY_BYTES + view.getUint8(0) + view.getUint16(2, true);
}
