import { HTTP_CHUNKS_KEPT_MAX } from "../limits.ts";

/**
 * Pieces of memory, all of one size, for one transfer after the other: to make them, fill them with zeros and collect them
 * took a fifth of a small file's time. What is in them is of files that were sent before.
 */
export class Chunks {
  readonly #free: Uint8Array[] = [];
  readonly #bytes: number;

  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  /** The one that came back last: it is in the processor's caches. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(this.#bytes);
  }

  /** Nobody uses it any more. */
  giveBack(chunk: Uint8Array): void {
    if (this.#free.length < HTTP_CHUNKS_KEPT_MAX) this.#free.push(chunk);
  }
}
