import { VOLUME_BLOCK_BYTES } from "../../src/limits.ts";
import type { Answer, Extent, Volume, VolumeError } from "../../src/volume/volume.ts";

export interface MemoryVolumeOptions {
  readonly blocks: number;
  readonly isReadOnly?: boolean;
  /** Answers come after it, as from a slow disk; without it at once. */
  readonly later?: () => Promise<void>;
}

/** A disk in memory: it forgets what was not flushed when it is `crash`ed, and fails as it is told to. */
export class MemoryVolume implements Volume {
  readonly isReadOnly: boolean;
  readonly calls: string[] = [];
  /** What every call answers until it is taken away. */
  failure: VolumeError | undefined;
  bytes: number;
  #data: Uint8Array;
  #durable: Uint8Array;
  readonly #allocated = new Set<number>();
  readonly #later: (() => Promise<void>) | undefined;

  constructor({ blocks, isReadOnly = false, later }: MemoryVolumeOptions) {
    this.bytes = blocks * VOLUME_BLOCK_BYTES;
    this.isReadOnly = isReadOnly;
    this.#data = new Uint8Array(this.bytes);
    this.#durable = this.#data.slice();
    this.#later = later;
  }

  /** What is there, whole. */
  get content(): Uint8Array {
    return this.#data;
  }

  crash(): void {
    this.#data = this.#durable.slice();
  }

  fill(byte: number): void {
    this.#data.fill(byte);
    for (let at = 0; at < this.bytes; at += VOLUME_BLOCK_BYTES) this.#allocated.add(at);
  }

  read(offset: number, into: Uint8Array): Answer<undefined> {
    this.#check(offset, into.length);
    return this.#answer("read", () => {
      into.set(this.#data.subarray(offset, offset + into.length));
      return undefined;
    });
  }

  write(offset: number, parts: readonly Uint8Array[]): Answer<undefined> {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#check(offset, length);
    return this.#answer("write", () => {
      let at = offset;
      for (const part of parts) {
        this.#data.set(part, at);
        at += part.length;
      }
      for (let block = offset; block < at; block += VOLUME_BLOCK_BYTES) this.#allocated.add(block);
      return undefined;
    });
  }

  flush(): Answer<undefined> {
    return this.#answer("flush", () => {
      this.#durable = this.#data.slice();
      return undefined;
    });
  }

  deallocate(offset: number, length: number): Answer<undefined> {
    this.#check(offset, length);
    return this.#answer("deallocate", () => {
      this.#data.fill(0, offset, offset + length);
      for (let at = offset; at < offset + length; at += VOLUME_BLOCK_BYTES) {
        this.#allocated.delete(at);
      }
      return undefined;
    });
  }

  clear(offset: number, length: number): Answer<undefined> {
    this.#check(offset, length);
    return this.#answer("clear", () => {
      this.#data.fill(0, offset, offset + length);
      return undefined;
    });
  }

  extent(offset: number): Answer<Extent> {
    this.#check(offset, VOLUME_BLOCK_BYTES);
    return this.#answer("extent", () => {
      const isAllocated = this.#allocated.has(offset);
      let end = offset;
      while (end < this.bytes && this.#allocated.has(end) === isAllocated) {
        end += VOLUME_BLOCK_BYTES;
      }
      return { isAllocated, length: end - offset };
    });
  }

  #answer<T>(call: string, act: () => T): Answer<T> {
    this.calls.push(call);
    if (this.#later === undefined) return this.failure ?? act();
    return this.#later().then(() => this.failure ?? act());
  }

  /** Whoever asks for anything else is wrong. */
  #check(offset: number, length: number): void {
    const isWhole = offset % VOLUME_BLOCK_BYTES === 0 && length % VOLUME_BLOCK_BYTES === 0;
    if (!isWhole || length === 0 || offset < 0 || offset + length > this.bytes) {
      throw new RangeError(`${length} bytes at ${offset} of ${this.bytes}`);
    }
  }
}
