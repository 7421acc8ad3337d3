import { AtMost } from "../../bytes/at-most.ts";
import { CACHE_BYTES_MIN, CACHE_FILLS_AT_ONCE, CACHE_WINDOW_BYTES } from "../../limits.ts";
import type { Answer, FileSlice, TreeError } from "../tree.ts";
import type { CacheKey } from "./key.ts";
import { Header, NONE } from "./layout.ts";
import { lock, unlock } from "./lock.ts";
import { Windows } from "./windows.ts";

/** One version of a file; its next version has another key. */
export interface CachedFile {
  readonly key: CacheKey;
  /** Bytes; nothing beyond is read. */
  readonly size: number;
  /** Fills `into`, which may be shared memory, from `offset`; fewer bytes where the file ends before. */
  fill(into: Uint8Array, offset: number): Promise<number | TreeError>;
}

export interface CacheStats {
  readonly bytes: number;
  readonly bytesUsed: number;
  /** Of slabs from which something is being sent, or which are being filled. */
  readonly bytesPinned: number;
  readonly hits: number;
  readonly misses: number;
  /** Reads past the cache: without room in it, or of what another thread was just filling. */
  readonly uncached: number;
}

/**
 * The contents of files in memory that all threads share, once each. A file is cut in windows of CACHE_WINDOW_BYTES;
 * what was read once is answered at once, as views of the cache, which stay as they are until they are released.
 */
export class BlockCache {
  readonly shared: SharedArrayBuffer;
  readonly #windows: Windows;
  readonly #counts: Float64Array;
  /** Being filled by this thread. */
  readonly #filling = new Map<number, Promise<TreeError | undefined>>();
  readonly #disk = new AtMost(CACHE_FILLS_AT_ONCE);
  /** Of the read at hand. */
  readonly #slots: number[] = [];

  private constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.#windows = new Windows(shared);
    this.#counts = new Float64Array(shared, Header.COUNTS * 4, 3);
  }

  /** Of so many bytes in all, at least CACHE_BYTES_MIN. Memory is taken as it fills. */
  static create(bytes: number): BlockCache {
    const cache = new BlockCache(new SharedArrayBuffer(Math.max(bytes, CACHE_BYTES_MIN)));
    cache.#windows.clear();
    return cache;
  }

  /** In another thread: over what `shared` of the created one is. */
  static attach(shared: SharedArrayBuffer): BlockCache {
    return new BlockCache(shared);
  }

  /** Up to `length` bytes from `offset`: at once where all of them are cached. */
  read(file: CachedFile, offset: number, length: number): Answer<FileSlice> {
    const end = Math.min(offset + length, file.size);
    if (end <= offset) return new UncachedSlice([], offset >= file.size);
    return (
      this.#cached(file, offset, { end, isAgain: true }) ?? this.#fillAndRead(file, offset, end)
    );
  }

  /** For what must not be cached. */
  async readUncached(
    file: Pick<CachedFile, "size" | "fill">,
    offset: number,
    length: number,
  ): Promise<FileSlice | TreeError> {
    const end = Math.min(offset + length, file.size);
    const bytes = Buffer.allocUnsafeSlow(Math.max(0, end - offset));
    const filled = await this.#disk.do(() => file.fill(bytes, offset));
    if (typeof filled === "string") return filled;
    const isShort = filled < bytes.length;
    return new UncachedSlice([bytes.subarray(0, filled)], isShort || end === file.size);
  }

  stats(): CacheStats {
    const { slabs } = this.#windows.layout;
    const { slabsUsed, slabsPinned } = this.#windows.usage();
    const [hits = 0, misses = 0, uncached = 0] = this.#counts;
    return {
      bytes: slabs * CACHE_WINDOW_BYTES,
      bytesUsed: slabsUsed * CACHE_WINDOW_BYTES,
      bytesPinned: slabsPinned * CACHE_WINDOW_BYTES,
      hits,
      misses,
      uncached,
    };
  }

  /** Undefined where not all of it is there. */
  #cached(
    file: CachedFile,
    offset: number,
    { end, isAgain }: { readonly end: number; readonly isAgain: boolean },
  ): FileSlice | undefined {
    const slots = this.#slots;
    const first = Math.floor(offset / CACHE_WINDOW_BYTES);
    const last = Math.floor((end - 1) / CACHE_WINDOW_BYTES);
    slots.length = 0;
    // Nothing is allocated while the lock is held: a collection of garbage would keep all threads waiting.
    this.#lock();
    for (let window = first; window <= last; window += 1) {
      const slot = this.#windows.find(file.key, window);
      if (slot === NONE || !this.#windows.isFilled(slot)) break;
      this.#windows.pin(slot);
      if (isAgain) this.#windows.use(slot);
      slots.push(slot);
    }
    const isThere = slots.length > last - first;
    if (isThere && isAgain) this.#count(Count.HITS);
    this.#unlock();
    if (isThere) return this.#slice(slots, offset, { end, isEnd: end === file.size });
    for (const slot of slots) this.#windows.unpin(slot);
    return undefined;
  }

  #slice(
    slots: readonly number[],
    offset: number,
    { end, isEnd }: { readonly end: number; readonly isEnd: boolean },
  ): FileSlice {
    const { bytes } = this.#windows.layout;
    const parts: Buffer[] = [];
    let at = offset;
    for (const slot of slots) {
      const within = at % CACHE_WINDOW_BYTES;
      const length = Math.min(CACHE_WINDOW_BYTES - within, end - at);
      const place = this.#windows.placeOf(slot) + within;
      parts.push(bytes.subarray(place, place + length));
      at += length;
    }
    return new CachedSlice(parts, { length: end - offset, end: isEnd }, this.#windows, [...slots]);
  }

  async #fillAndRead(
    file: CachedFile,
    offset: number,
    end: number,
  ): Promise<FileSlice | TreeError> {
    const last = Math.floor((end - 1) / CACHE_WINDOW_BYTES);
    const fills: Promise<TreeError | undefined>[] = [];
    for (let window = Math.floor(offset / CACHE_WINDOW_BYTES); window <= last; window += 1) {
      const fill = this.#fill(file, window);
      if (fill !== undefined) fills.push(fill);
    }
    const problem = (await Promise.all(fills)).find((result) => result !== undefined);
    if (problem !== undefined) return problem;
    const slice = this.#cached(file, offset, { end, isAgain: false });
    if (slice !== undefined) return slice;
    this.#lock();
    this.#count(Count.UNCACHED);
    this.#unlock();
    return this.readUncached(file, offset, end - offset);
  }

  /** Undefined where it is there, or cannot be had: no room, or another thread is filling it. */
  #fill(file: CachedFile, window: number): Promise<TreeError | undefined> | undefined {
    const start = window * CACHE_WINDOW_BYTES;
    const length = Math.min(CACHE_WINDOW_BYTES, file.size - start);
    this.#lock();
    const known = this.#windows.find(file.key, window);
    const slot = known === NONE ? this.#windows.reserve(file.key, window, length) : known;
    if (known === NONE) this.#count(Count.MISSES);
    this.#unlock();
    if (slot === NONE) return undefined;
    if (known !== NONE) return this.#filling.get(known);
    const place = this.#windows.placeOf(slot);
    const into = this.#windows.layout.bytes.subarray(place, place + length);
    const filling = this.#disk
      .do(() => file.fill(into, start))
      .then((filled) => {
        // What came short is another version of the file than its key says.
        this.#settle(slot, filled === length);
        return typeof filled === "string" ? filled : undefined;
      })
      .catch((error: unknown) => {
        this.#settle(slot, false);
        throw error;
      });
    this.#filling.set(slot, filling);
    return filling;
  }

  #settle(slot: number, isFilled: boolean): void {
    this.#filling.delete(slot);
    this.#lock();
    if (isFilled) this.#windows.settle(slot);
    else this.#windows.free(slot);
    this.#unlock();
    this.#windows.unpin(slot);
  }

  #count(which: number): void {
    this.#counts[which] = (this.#counts[which] ?? 0) + 1;
  }

  #lock(): void {
    lock(this.#windows.layout.words, Header.LOCK);
  }

  #unlock(): void {
    unlock(this.#windows.layout.words, Header.LOCK);
  }
}

const Count = { HITS: 0, MISSES: 1, UNCACHED: 2 } as const;

class CachedSlice implements FileSlice {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
  readonly end: boolean;
  readonly #windows: Windows;
  #slots: readonly number[];

  constructor(
    parts: readonly Uint8Array[],
    { length, end }: { readonly length: number; readonly end: boolean },
    windows: Windows,
    slots: readonly number[],
  ) {
    this.parts = parts;
    this.length = length;
    this.end = end;
    this.#windows = windows;
    this.#slots = slots;
  }

  release(): void {
    for (const slot of this.#slots) this.#windows.unpin(slot);
    this.#slots = [];
  }
}

class UncachedSlice implements FileSlice {
  readonly parts: readonly Uint8Array[];
  readonly length: number;
  readonly end: boolean;

  constructor(parts: readonly Uint8Array[], end: boolean) {
    this.parts = parts;
    this.length = parts.reduce((bytes, part) => bytes + part.length, 0);
    this.end = end;
  }

  release(): void {}
}
