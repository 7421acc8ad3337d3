import { crc32c } from "../bytes/crc32c.ts";
import { type Malformed, malformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
import { ISCSI_SEGMENT_PARTS_MAX } from "../limits.ts";
import { decodePdu, type Pdu } from "./packet.ts";
import { HEADER_BYTES, padded } from "./pdus/header.ts";

/** A PDU that ends where it says, and yet cannot be read: to be answered with a Reject. */
export type Unfit = "unknown-opcode" | "data-digest";

const DIGEST_BYTES = 4;
const NO_SEGMENT: readonly Uint8Array[] = [];

/**
 * Chunks of a connection → PDUs, wherever they were cut. Data segments are views of the chunks, in as many parts as
 * there were, none copied; only headers that were cut, and segments that came in crumbs, are put together. RFC 7143
 * §11.1, §11.2.3.
 */
export class PduStream {
  readonly #chunks: Reader[] = [];
  /** In the first of them. */
  #at = 0;
  #hasHeaderDigest = false;
  #hasDataDigest = false;
  #segmentBytesMax: number;

  /** The header being read, whole or a part of it that a chunk ended with. */
  #header: Reader | undefined;
  #headerStart = 0;
  #headerEnd = 0;
  #cut: Uint8Array | undefined;
  #cutBytes = 0;

  #parts: Uint8Array[] = [];
  /** What the parts are copied to when they get too many. */
  #joined: Uint8Array | undefined;
  #joinedBytes = 0;
  #segmentBytes = 0;
  #segmentMissing = 0;
  /** Padding, then the digest. */
  readonly #tail = new Uint8Array(3 + DIGEST_BYTES);
  #tailBytes = 0;
  #tailTaken = 0;

  /** `segmentBytesMax`: the longest data segment that is taken. */
  constructor(segmentBytesMax: number) {
    this.#segmentBytesMax = segmentBytesMax;
  }

  /** What was agreed on, from the next PDU on. */
  agree(options: {
    readonly hasHeaderDigest: boolean;
    readonly hasDataDigest: boolean;
    readonly segmentBytesMax: number;
  }): void {
    this.#hasHeaderDigest = options.hasHeaderDigest;
    this.#hasDataDigest = options.hasDataDigest;
    this.#segmentBytesMax = options.segmentBytesMax;
  }

  /** The chunk is the stream's own from here on. */
  push(chunk: Uint8Array): void {
    if (chunk.length > 0) this.#chunks.push(new Reader(chunk));
  }

  /** Of the PDU that `next` answered last: its first 48 bytes, as they came. */
  get header(): Uint8Array {
    const header = this.#header?.bytes ?? new Uint8Array(0);
    return header.subarray(this.#headerStart, this.#headerStart + HEADER_BYTES);
  }

  /** Undefined until more is pushed. After Malformed the stream is of no use. */
  next(): Pdu | Unfit | Malformed | undefined {
    if (this.#headerEnd === 0) {
      const problem = this.#readHeader();
      if (problem !== undefined) return problem;
      if (this.#headerEnd === 0) return undefined;
    }
    const header = this.#header;
    if (header === undefined || !this.#readSegment() || !this.#readTail()) return undefined;
    return this.#finish(header);
  }

  #readHeader(): Malformed | undefined {
    const chunk = this.#chunks[0];
    if (chunk === undefined) return undefined;
    if (this.#cut === undefined && this.#isWholeIn(chunk)) return this.#begin(chunk, this.#at);
    while (this.#chunks.length > 0) {
      const size = this.#cutBytes < HEADER_BYTES ? HEADER_BYTES : this.#sizeOf(this.#cut, 0);
      this.#gather(size);
      const cut = this.#cut;
      if (cut !== undefined && this.#cutBytes === size && size === this.#sizeOf(cut, 0)) {
        this.#cut = undefined;
        this.#cutBytes = 0;
        return this.#begin(new Reader(cut), 0);
      }
    }
    return undefined;
  }

  #isWholeIn({ bytes }: Reader): boolean {
    const left = bytes.length - this.#at;
    return left >= HEADER_BYTES && left >= this.#sizeOf(bytes, this.#at);
  }

  /** With AHS and digest. */
  #sizeOf(bytes: Uint8Array | undefined, at: number): number {
    const words = bytes?.[at + 4] ?? 0;
    return HEADER_BYTES + words * 4 + (this.#hasHeaderDigest ? DIGEST_BYTES : 0);
  }

  #gather(size: number): void {
    const chunk = this.#chunks[0]?.bytes ?? new Uint8Array(0);
    let cut = this.#cut ?? new Uint8Array(size);
    if (cut.length < size) {
      const longer = new Uint8Array(size);
      longer.set(cut);
      cut = longer;
    }
    const part = chunk.subarray(this.#at, this.#at + size - this.#cutBytes);
    cut.set(part, this.#cutBytes);
    this.#cut = cut;
    this.#cutBytes += part.length;
    this.#advance(part.length);
  }

  /** A whole header is at `start`: what follows it is bounded here, before anything of it is kept. */
  #begin(reader: Reader, start: number): Malformed | undefined {
    const size = this.#sizeOf(reader.bytes, start);
    const segmentBytes = reader.aim(start + 4, start + 8).u32() % 0x100_0000;
    if (segmentBytes > this.#segmentBytesMax) return malformed("segment-too-long");
    this.#header = reader;
    this.#headerStart = start;
    this.#headerEnd = start + size;
    if (reader === this.#chunks[0]) this.#advance(size);
    if (this.#hasHeaderDigest) {
      this.#headerEnd -= DIGEST_BYTES;
      const sum = crc32c(reader.bytes.subarray(start, this.#headerEnd));
      if (sum !== digestAt(reader.bytes, this.#headerEnd)) return malformed("header-digest");
    }
    this.#segmentBytes = segmentBytes;
    this.#segmentMissing = segmentBytes;
    const digestBytes = this.#hasDataDigest && segmentBytes > 0 ? DIGEST_BYTES : 0;
    this.#tailBytes = padded(segmentBytes) - segmentBytes + digestBytes;
    this.#tailTaken = 0;
    return undefined;
  }

  #readSegment(): boolean {
    while (this.#segmentMissing > 0) {
      const chunk = this.#chunks[0]?.bytes;
      if (chunk === undefined) return false;
      const part = chunk.subarray(this.#at, this.#at + this.#segmentMissing);
      if (this.#joined !== undefined) this.#join(part);
      else if (this.#parts.push(part) > ISCSI_SEGMENT_PARTS_MAX) this.#joinAll();
      this.#segmentMissing -= part.length;
      this.#advance(part.length);
    }
    return true;
  }

  #joinAll(): void {
    const parts = this.#parts;
    this.#joined = new Uint8Array(this.#segmentBytes);
    this.#joinedBytes = 0;
    for (const part of parts) this.#join(part);
    this.#parts = [this.#joined];
  }

  #join(part: Uint8Array): void {
    this.#joined?.set(part, this.#joinedBytes);
    this.#joinedBytes += part.length;
  }

  #readTail(): boolean {
    while (this.#tailTaken < this.#tailBytes) {
      const chunk = this.#chunks[0]?.bytes;
      if (chunk === undefined) return false;
      const part = chunk.subarray(this.#at, this.#at + this.#tailBytes - this.#tailTaken);
      this.#tail.set(part, this.#tailTaken);
      this.#tailTaken += part.length;
      this.#advance(part.length);
    }
    return true;
  }

  #finish(header: Reader): Pdu | Unfit | Malformed {
    const hasSegment = this.#segmentBytes > 0;
    const segment = hasSegment ? this.#parts : NO_SEGMENT;
    if (hasSegment) this.#parts = [];
    this.#joined = undefined;
    const end = this.#headerEnd;
    this.#headerEnd = 0;
    if (this.#hasDataDigest && hasSegment && !this.#isSumRight(segment)) return "data-digest";
    return decodePdu(header.aim(this.#headerStart, end), segment) ?? "unknown-opcode";
  }

  /** §13.1: the digest is of the padding too. */
  #isSumRight(segment: readonly Uint8Array[]): boolean {
    const padding = this.#tailBytes - DIGEST_BYTES;
    let sum = 0;
    for (const part of segment) sum = crc32c(part, sum);
    if (padding > 0) sum = crc32c(this.#tail.subarray(0, padding), sum);
    return sum === digestAt(this.#tail, padding);
  }

  #advance(bytes: number): void {
    this.#at += bytes;
    if (this.#at === this.#chunks[0]?.bytes.length) {
      this.#chunks.shift();
      this.#at = 0;
    }
  }
}

/** §13.1, appendix A.4: its lowest byte first. */
function digestAt(bytes: Uint8Array, at: number): number {
  const [a = 0, b = 0, c = 0, d = 0] = bytes.subarray(at, at + DIGEST_BYTES);
  return (a | (b << 8) | (c << 16) | (d << 24)) >>> 0;
}
