import { type Malformed, malformed } from "../bytes/malformed.ts";
import { RPC_FRAGMENTS_MAX, RPC_RECORD_BYTES_MAX } from "../limits.ts";

/**
 * Record marking (RFC 5531 §11): on a stream, a message is a sequence of fragments, each behind a word that has the
 * fragment's length in its low 31 bits and the last fragment's mark in the high one.
 */
export const LAST_FRAGMENT = 0x8000_0000;

const MARK_BYTES = 4;
const NOTHING = new Uint8Array(0);

/** Puts a stream's chunks in, takes whole records out. */
export class RecordReader {
  /** Received and not yet read: the first chunk from `#at`. */
  readonly #chunks: Uint8Array[] = [];
  #at = 0;
  #mark = 0;
  #markBytes = 0;
  /** Of the fragment being read. */
  #missing = 0;
  /** The record being gathered, when no single chunk holds it. */
  #record = NOTHING;
  #length = 0;
  #fragments = 0;

  /** The bytes are given away: records are views into them where they can be. */
  push(bytes: Uint8Array): void {
    if (bytes.length > 0) this.#chunks.push(bytes);
  }

  /** The next whole record; undefined until more is pushed. After Malformed the stream is of no use. */
  next(): Uint8Array | undefined | Malformed {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const whole = this.#wholeIn(chunk);
      if (whole !== undefined) return whole;
      const problem = this.#missing === 0 ? this.#readMark(chunk) : undefined;
      if (problem !== undefined) return problem;
      if (this.#markBytes === MARK_BYTES) {
        this.#gather(chunk);
        if (this.#missing === 0) {
          this.#markBytes = 0;
          if (this.#mark >= LAST_FRAGMENT) return this.#gathered();
        }
      }
      if (this.#at === chunk.length) {
        this.#chunks.shift();
        this.#at = 0;
      }
    }
    return undefined;
  }

  /** The usual case: one fragment, all of it in this chunk. */
  #wholeIn(chunk: Uint8Array): Uint8Array | undefined {
    if (this.#markBytes > 0 || this.#fragments > 0) return undefined;
    const at = this.#at;
    if (chunk.length - at < MARK_BYTES) return undefined;
    const mark = word(chunk, at);
    const start = at + MARK_BYTES;
    const length = mark - LAST_FRAGMENT;
    if (length < 0 || length > chunk.length - start || length > RPC_RECORD_BYTES_MAX) {
      return undefined;
    }
    this.#at = start + length;
    if (this.#at === chunk.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
    return chunk.subarray(start, start + length);
  }

  #readMark(chunk: Uint8Array): Malformed | undefined {
    if (this.#markBytes === 0) this.#mark = 0;
    while (this.#markBytes < MARK_BYTES && this.#at < chunk.length) {
      this.#mark = this.#mark * 256 + (chunk[this.#at] ?? 0);
      this.#at += 1;
      this.#markBytes += 1;
    }
    if (this.#markBytes < MARK_BYTES) return undefined;
    this.#fragments += 1;
    this.#missing = this.#mark % LAST_FRAGMENT;
    if (this.#length + this.#missing > RPC_RECORD_BYTES_MAX) return malformed("record-too-long");
    if (this.#fragments > RPC_FRAGMENTS_MAX) return malformed("too-many-fragments");
    return undefined;
  }

  #gather(chunk: Uint8Array): void {
    const part = chunk.subarray(this.#at, this.#at + this.#missing);
    const length = this.#length + part.length;
    if (length > this.#record.length) {
      // Grows with what has come, never with what was announced.
      const grown = new Uint8Array(Math.min(RPC_RECORD_BYTES_MAX, Math.max(length * 2, 256)));
      grown.set(this.#record.subarray(0, this.#length));
      this.#record = grown;
    }
    this.#record.set(part, this.#length);
    this.#length = length;
    this.#at += part.length;
    this.#missing -= part.length;
  }

  #gathered(): Uint8Array {
    const record = this.#record.subarray(0, this.#length);
    this.#record = NOTHING;
    this.#length = 0;
    this.#fragments = 0;
    return record;
  }
}

function word(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return high * 0x1_0000 + low;
}
