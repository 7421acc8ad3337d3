import { unreachable } from "../../bytes/unreachable.ts";
import { EROFS_ZEROS_BYTES } from "../../limits.ts";
import type { Answer, FileSlice, TreeError } from "../tree.ts";
import { type Image, lookAt } from "./image.ts";
import { type Data, HOLE, type Inode } from "./inode.ts";
import { finish, known, type Steps } from "./steps.ts";

/** A piece of a file: where it is in the image. `at` undefined: a hole, which is zero. */
interface Extent {
  readonly at: number | undefined;
  readonly length: number;
}

const zeros = new Uint8Array(EROFS_ZEROS_BYTES);

/** Bytes of a file that are all within its size. */
export function readData(
  image: Image,
  inode: Inode,
  offset: number,
  length: number,
): Answer<FileSlice> {
  const end = offset + length >= inode.attributes.size;
  const at = placeOf(inode.data, offset, length);
  if (at === undefined) return finish(readPieces(image, inode.data, { offset, length, end }));
  const answer = image.read(at, length);
  if (answer instanceof Promise) return answer.then((slice) => ofFile(slice, end));
  return ofFile(answer, end);
}

/** Where it is in one piece, as most reads are. */
function placeOf(data: Data, offset: number, length: number): number | undefined {
  switch (data.kind) {
    case "plain":
      return data.at === undefined ? undefined : data.at + offset;
    case "inline":
      if (offset + length <= data.tailOffset) return data.at + offset;
      return offset < data.tailOffset ? undefined : data.tailAt + offset - data.tailOffset;
    case "chunks":
      return undefined;
    default:
      return unreachable(data);
  }
}

/** What the cache answers ends where the image does. */
function ofFile(slice: FileSlice | TreeError, end: boolean): FileSlice | TreeError {
  if (typeof slice === "string") return slice;
  const { parts, length } = slice;
  return { parts, length, end, release: () => slice.release() };
}

interface Range {
  readonly offset: number;
  readonly length: number;
  /** Whether the file ends with it. */
  readonly end: boolean;
}

function* readPieces(image: Image, data: Data, range: Range): Steps<FileSlice> {
  const extents = yield* extentsOf(image, data, range);
  if (typeof extents === "string") return extents;
  const parts: Uint8Array[] = [];
  const slices: FileSlice[] = [];
  const release = () => {
    for (const slice of slices) slice.release();
  };
  for (const extent of extents) {
    if (extent.at === undefined) {
      addZeros(parts, extent.length);
      continue;
    }
    const slice = yield* known(image.read(extent.at, extent.length));
    if (typeof slice === "string") {
      release();
      return slice;
    }
    slices.push(slice);
    parts.push(...slice.parts);
  }
  return { parts, length: range.length, end: range.end, release };
}

function addZeros(parts: Uint8Array[], length: number): void {
  for (let left = length; left > 0; left -= zeros.length) {
    parts.push(left < zeros.length ? zeros.subarray(0, left) : zeros);
  }
}

function* extentsOf(image: Image, data: Data, range: Range): Steps<readonly Extent[]> {
  const { offset, length } = range;
  switch (data.kind) {
    case "plain":
      return [{ at: data.at === undefined ? undefined : data.at + offset, length }];
    case "inline": {
      const before = data.tailOffset - offset;
      return [
        { at: data.at + offset, length: before },
        { at: data.tailAt, length: length - before },
      ];
    }
    case "chunks":
      return yield* chunkExtents(image, data, range);
    default:
      return unreachable(data);
  }
}

function* chunkExtents(
  image: Image,
  { chunkBytes, mapAt, entryBytes }: Data & { kind: "chunks" },
  { offset, length }: Range,
): Steps<readonly Extent[]> {
  const first = Math.floor(offset / chunkBytes);
  const count = Math.floor((offset + length - 1) / chunkBytes) - first + 1;
  const map = yield* known(image.read(mapAt + first * entryBytes, count * entryBytes));
  const blocks = lookAt(map, (bytes) => blocksIn(bytes, entryBytes));
  if (typeof blocks === "string") return blocks;
  const extents: Extent[] = [];
  for (const [index, block] of blocks.entries()) {
    const start = (first + index) * chunkBytes;
    const from = Math.max(start, offset);
    const bytes = Math.min(start + chunkBytes, offset + length) - from;
    const at = block === HOLE ? undefined : block * image.blockBytes + from - start;
    const last = extents.at(-1);
    if (last !== undefined && follows(last, at)) {
      extents[extents.length - 1] = { at: last.at, length: last.length + bytes };
    } else {
      extents.push({ at, length: bytes });
    }
  }
  return extents;
}

function follows(last: Extent, at: number | undefined): boolean {
  return last.at === undefined ? at === undefined : last.at + last.length === at;
}

/** Of entries with eight bytes, the first four tell the device, and there is but one. */
function blocksIn(map: Uint8Array, entryBytes: 4 | 8): Uint32Array {
  const view = new DataView(map.buffer, map.byteOffset, map.byteLength);
  return Uint32Array.from({ length: map.length / entryBytes }, (_, index) =>
    view.getUint32((index + 1) * entryBytes - 4, true),
  );
}
