import type { FreshImage } from "./fresh-image.ts";

/** As tree/erofs/xattrs.ts has them: a header, whose byte at 4 counts the shared ones, their numbers, and entries. */
const HEADER_BYTES = 12;
const SHARED_AT = 4;
const WORD_BYTES = 4;
const ENTRY_BYTES = 4;

/**
 * Sorts the extended attributes of every file: mkfs.erofs writes them in the order in which the tree's file system names
 * them, which is that of their making on one and another on the next. Nobody who reads them minds.
 */
export function sortXattrs(image: FreshImage): void {
  sortOf(image, image.root);
  const pending = [image.root];
  const done = new Set<number>();
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const { number, isDirectory } of image.entries(directory)) {
      if (isDirectory) pending.push(number);
      // Hard links
      if (!done.has(number)) sortOf(image, number);
      done.add(number);
    }
  }
}

function sortOf(image: FreshImage, number: number): void {
  const { at, bytes } = image.inode(number).xattrs;
  if (bytes === 0) return;
  const area = image.read(at, bytes);
  const sorted = sortedArea(area);
  if (!sorted.equals(area)) image.write(at, sorted);
}

function sortedArea(area: Buffer): Buffer {
  const entriesAt = HEADER_BYTES + WORD_BYTES * area.readUInt8(SHARED_AT);
  const parts = [
    area.subarray(0, HEADER_BYTES),
    ...inBytesOrder(pieces(area.subarray(HEADER_BYTES, entriesAt), () => WORD_BYTES)),
    ...inBytesOrder(pieces(area.subarray(entriesAt), entryBytes)),
  ];
  return Buffer.concat(parts);
}

/** `name_len` and `value_size`, at 0 and 2, tell how long an entry is: a multiple of 4. */
function entryBytes(entry: Buffer): number {
  const bytes = ENTRY_BYTES + entry.readUInt8(0) + entry.readUInt16LE(2);
  return Math.ceil(bytes / WORD_BYTES) * WORD_BYTES;
}

function pieces(bytes: Buffer, lengthOf: (rest: Buffer) => number): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = lengthOf(bytes.subarray(at));
    found.push(bytes.subarray(at, at + length));
    at += length;
  }
  return found;
}

function inBytesOrder(parts: readonly Buffer[]): Buffer[] {
  return parts.toSorted((a, b) => Buffer.compare(a, b));
}
