import type { CachedFile } from "../../../src/tree/cache/cache.ts";
import type { Answer, FileSlice, TreeError } from "../../../src/tree/tree.ts";

/** Small, so that what is read goes over many of them. */
const WINDOW_BYTES = 4096 * 3;

/**
 * The block cache's contract in a few lines, for one file, with eyes: reads outside of the file and slices released
 * twice are errors, and `held` tells what was not released.
 */
export class WatchedCache {
  readonly #windows = new Map<number, Uint8Array>();
  held = 0;

  read(file: CachedFile, offset: number, length: number): Answer<FileSlice> {
    const isGood = Number.isSafeInteger(offset) && offset >= 0 && length > 0;
    if (!isGood || offset + length > file.size) throw new Error(`read of ${length} at ${offset}`);
    const parts: Uint8Array[] = [];
    for (let at = offset; at < offset + length; ) {
      const index = Math.floor(at / WINDOW_BYTES);
      const window = this.#windows.get(index);
      if (window === undefined) return this.#fillAndRead(file, index, offset, length);
      const from = at - index * WINDOW_BYTES;
      const part = window.subarray(from, Math.min(WINDOW_BYTES, from + offset + length - at));
      if (part.length === 0) break;
      parts.push(part);
      at += part.length;
    }
    return this.#slice(parts);
  }

  forget(): void {
    this.#windows.clear();
  }

  async #fillAndRead(
    file: CachedFile,
    index: number,
    offset: number,
    length: number,
  ): Promise<FileSlice | TreeError> {
    const start = index * WINDOW_BYTES;
    const bytes = new SharedArrayBuffer(Math.min(WINDOW_BYTES, file.size - start));
    const window = new Uint8Array(bytes);
    const filled = await file.fill(window, start);
    if (typeof filled === "string") return filled;
    this.#windows.set(index, window.subarray(0, filled));
    return this.read(file, offset, length);
  }

  #slice(parts: readonly Uint8Array[]): FileSlice {
    this.held += 1;
    let isReleased = false;
    const release = () => {
      if (isReleased) throw new Error("released twice");
      isReleased = true;
      this.held -= 1;
    };
    const length = parts.reduce((bytes, part) => bytes + part.length, 0);
    return { parts, length, end: false, release };
  }
}
