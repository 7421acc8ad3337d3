import { type Malformed, malformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
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
  readonly #chunks: Reader[] = [];
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
    if (bytes.length > 0) this.#chunks.push(new Reader(bytes));
  }

  /**
   * The next whole record, aimed at its first byte: to be read before the next is asked for. Undefined until more is
   * pushed. After Malformed the stream is of no use.
   */
  next(): Reader | undefined | Malformed {
    for (let chunk = this.#chunks[0]; chunk !== undefined; chunk = this.#chunks[0]) {
      const whole = this.#wholeIn(chunk);
      if (whole !== undefined) return whole;
      const { bytes } = chunk;
      const problem = this.#missing === 0 ? this.#readMark(bytes) : undefined;
      if (problem !== undefined) return problem;
      if (this.#markBytes === MARK_BYTES) {
        this.#gather(bytes);
        if (this.#missing === 0) {
          this.#markBytes = 0;
          if (this.#mark >= LAST_FRAGMENT) return this.#gathered();
        }
      }
      if (this.#at === bytes.length) {
        this.#chunks.shift();
        this.#at = 0;
      }
    }
    return undefined;
  }

  /** The usual case: one fragment, all of it in this chunk. */
  #wholeIn(chunk: Reader): Reader | undefined {
    if (this.#markBytes > 0 || this.#fragments > 0) return undefined;
    const chunkBytes = chunk.bytes.length;
    const start = this.#at + MARK_BYTES;
    if (start > chunkBytes) return undefined;
    const length = chunk.aim(this.#at, start).u32() - LAST_FRAGMENT;
    const end = start + length;
    if (length < 0 || end > chunkBytes || length > RPC_RECORD_BYTES_MAX) return undefined;
    this.#at = end;
    if (end === chunkBytes) {
      this.#chunks.shift();
      this.#at = 0;
    }
    return chunk.aim(start, end);
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

  #gathered(): Reader {
    const record = new Reader(this.#record).aim(0, this.#length);
    this.#record = NOTHING;
    this.#length = 0;
    this.#fragments = 0;
    return record;
  }
}
