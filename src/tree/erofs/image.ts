import type { BlockCache, CachedFile } from "../cache/cache.ts";
import type { Answer, FileSlice, TreeError } from "../tree.ts";
import type { Superblock } from "./superblock.ts";

/** What is needed of the block cache. */
export type Cache = Pick<BlockCache, "read">;

/** The bytes of an image. Whatever numbers an image holds, nothing outside of it is asked for. */
export class Image {
  readonly superblock: Superblock;
  readonly blockBytes: number;
  readonly size: number;
  readonly #file: CachedFile;
  readonly #cache: Cache;

  constructor(superblock: Superblock, file: CachedFile, cache: Cache) {
    this.superblock = superblock;
    this.blockBytes = 2 ** superblock.blockBits;
    this.size = file.size;
    this.#file = file;
    this.#cache = cache;
  }

  /** All of these bytes, or "io": the image was cut short, or points outside of itself. */
  read(at: number, length: number): Answer<FileSlice> {
    if (at + length > this.size) return "io";
    const answer = this.#cache.read(this.#file, at, length);
    if (answer instanceof Promise) return answer.then((slice) => whole(slice, length));
    return whole(answer, length);
  }
}

function whole(slice: FileSlice | TreeError, length: number): FileSlice | TreeError {
  if (typeof slice === "string" || slice.length === length) return slice;
  slice.release();
  return "io";
}

/** For what is looked at once, and not kept. */
export function lookAt<T extends object>(
  slice: FileSlice | TreeError,
  use: (bytes: Uint8Array) => T | TreeError,
): T | TreeError {
  if (typeof slice === "string") return slice;
  try {
    return use(joined(slice));
  } finally {
    slice.release();
  }
}

function joined({ parts }: FileSlice): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
