import { type Malformed, malformed } from "../../bytes/malformed.ts";
import { Reader } from "../../bytes/reader.ts";
import { STORM_RPC_FRAGMENTS_MAX, STORM_RPC_RECORD_BYTES_MAX } from "../../limits.ts";
import { LAST_FRAGMENT } from "../../rpc/record.ts";

/** A reply's header with the longest verifier, and what READ has before its data. */
export const REPLY_HEAD_BYTES = 24 + 400 + 4 + 88 + 12;

const MARK_BYTES = 4;
const NOTHING = new Uint8Array(0);

export interface ReplySink {
  /** Readers stand at the xid, and are good until the next call. */
  whole(record: Reader): void;
  /**
   * The beginning of a record that is not all here, REPLY_HEAD_BYTES at least. True: it is wanted in pieces, of which the
   * first begins where the reader is left. False: it is gathered.
   */
  begins(record: Reader): boolean;
  /** `bytes` from `start` to `end`. */
  piece(bytes: Uint8Array, start: number, end: number): void;
  /** The last piece was that; the record's length. */
  ends(length: number): void;
}

/**
 * The replies on one connection: records (RFC 5531 §11) of any number of fragments, in chunks that end anywhere. Most are
 * read where they were received. Long ones are handed on in pieces, so that a node that reads takes no memory for it.
 */
export class ReplyStream {
  readonly #sink: ReplySink;
  #mark = 0;
  #markBytes = 0;
  /** Of the fragment. */
  #missing = 0;
  #fragments = 0;
  /** Of the record, so far. */
  #length = 0;
  #inPieces = false;
  /** Its bytes, where it is gathered. */
  #kept = NOTHING;
  #isEnded = false;

  constructor(sink: ReplySink) {
    this.#sink = sink;
  }

  /** Nothing of what was received is handed on from here. */
  end(): void {
    this.#isEnded = true;
  }

  /** The first `length` of a reader's bytes, which are the caller's again afterwards. After Malformed the stream is of no use. */
  push(chunk: Reader, length: number): Malformed | undefined {
    for (let at = 0; at < length && !this.#isEnded; ) {
      if (this.#markBytes < MARK_BYTES) {
        if (this.#markBytes === 0 && length - at >= MARK_BYTES) {
          this.#mark = chunk.aim(at, at + MARK_BYTES).u32();
          this.#markBytes = MARK_BYTES;
          at += MARK_BYTES;
        } else {
          this.#mark = this.#mark * 256 + (chunk.bytes[at] ?? 0);
          this.#markBytes += 1;
          at += 1;
        }
        if (this.#markBytes < MARK_BYTES) continue;
        const problem = this.#startFragment();
        if (problem !== undefined) return problem;
      }
      const end = at + Math.min(this.#missing, length - at);
      this.#missing -= end - at;
      const isLast = this.#missing === 0 && this.#mark >= LAST_FRAGMENT;
      if (this.#missing === 0) this.#markBytes = this.#mark = 0;
      if (end > at || isLast) this.#take(chunk, at, end, isLast);
      at = end;
    }
    return undefined;
  }

  #startFragment(): Malformed | undefined {
    this.#missing = this.#mark % LAST_FRAGMENT;
    this.#fragments += 1;
    if (this.#length + this.#missing > STORM_RPC_RECORD_BYTES_MAX) return malformed("too long");
    if (this.#fragments > STORM_RPC_FRAGMENTS_MAX) return malformed("too many fragments");
    return undefined;
  }

  /** Part of a record: of one fragment, or of what came of it. */
  #take(chunk: Reader, start: number, end: number, isLast: boolean): void {
    if (this.#inPieces) this.#goOn(chunk.bytes, start, end, isLast);
    else if (this.#length > 0) this.#gather(chunk, start, end, isLast);
    else if (isLast) {
      this.#fragments = 0;
      this.#sink.whole(chunk.aim(start, end));
    } else if (end - start < REPLY_HEAD_BYTES || !this.#sink.begins(chunk.aim(start, end))) {
      this.#gather(chunk, start, end, isLast);
    } else {
      this.#inPieces = true;
      this.#length = chunk.offset - start;
      this.#goOn(chunk.bytes, chunk.offset, end, isLast);
    }
  }

  #goOn(bytes: Uint8Array, start: number, end: number, isLast: boolean): void {
    this.#length += end - start;
    this.#sink.piece(bytes, start, end);
    if (!isLast) return;
    const length = this.#length;
    this.#startRecord();
    this.#sink.ends(length);
  }

  /** Copies as much as tells what the record is; all of it, where it is not wanted in pieces. */
  #gather(chunk: Reader, start: number, end: number, isLast: boolean): void {
    const headMissing = REPLY_HEAD_BYTES - this.#length;
    if (headMissing > 0 && end - start > headMissing) {
      const split = start + headMissing;
      this.#keep(chunk.bytes, start, split);
      this.#beginKept();
      this.#take(chunk, split, end, isLast);
    } else {
      this.#keep(chunk.bytes, start, end);
      if (isLast) this.#endKept();
    }
  }

  /** The head is there, and more follows. */
  #beginKept(): void {
    const head = new Reader(this.#kept).aim(0, this.#length);
    if (!this.#sink.begins(head)) return;
    this.#inPieces = true;
    this.#sink.piece(this.#kept, head.offset, this.#length);
    this.#kept = NOTHING;
  }

  #endKept(): void {
    const record = new Reader(this.#kept).aim(0, this.#length);
    this.#startRecord();
    this.#sink.whole(record);
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const length = this.#length + end - start;
    if (length > this.#kept.length) {
      // Grows with what has come, never with what was announced.
      const grown = new Uint8Array(Math.max(length * 2, 2 * REPLY_HEAD_BYTES));
      grown.set(this.#kept.subarray(0, this.#length));
      this.#kept = grown;
    }
    this.#kept.set(bytes.subarray(start, end), this.#length);
    this.#length = length;
  }

  #startRecord(): void {
    this.#kept = NOTHING;
    this.#length = 0;
    this.#fragments = 0;
    this.#inPieces = false;
  }
}
