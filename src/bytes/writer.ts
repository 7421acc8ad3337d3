/**
 * Writes into room of the exact size that the caller worked out first. Writing another number of bytes throws, at
 * `finish` at the latest: that is our mistake, never the peer's. Big-endian (network order).
 */
export class Writer {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly #view: DataView;
  readonly #end: number;
  offset: number;

  /** Into a buffer of its own, or into part of one that `view` is a view of all of. */
  constructor(
    target: number | Uint8Array,
    part?: { readonly view: DataView; readonly start: number; readonly end: number },
  ) {
    this.bytes = typeof target === "number" ? new Uint8Array(target) : target;
    const { buffer, byteOffset, byteLength } = this.bytes;
    this.#view = part?.view ?? new DataView(buffer, byteOffset, byteLength);
    this.start = part?.start ?? 0;
    this.#end = part?.end ?? byteLength;
    this.offset = this.start;
  }

  u8(value: number): this {
    this.#view.setUint8(this.offset, value);
    this.offset += 1;
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.offset, value);
    this.offset += 2;
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.offset, value);
    this.offset += 4;
    return this;
  }

  u64(value: bigint): this {
    this.#view.setBigUint64(this.offset, value);
    this.offset += 8;
    return this;
  }

  /** A size or offset: a safe integer, written as 64 bits. */
  size64(value: number): this {
    this.u32(Math.floor(value / 0x1_0000_0000));
    return this.u32(value >>> 0);
  }

  put(source: Uint8Array): this {
    this.bytes.set(source, this.offset);
    this.offset += source.length;
    return this;
  }

  zeros(count: number): this {
    if (count > this.#end - this.offset) throw new RangeError("write past the end");
    this.bytes.fill(0, this.offset, this.offset + count);
    this.offset += count;
    return this;
  }

  /** What was written so far, as a view. */
  written(): Uint8Array {
    return this.bytes.subarray(this.start, this.offset);
  }

  /** All of its room, which must be full: a size function that disagrees with its writer is a bug. */
  finish(): Uint8Array {
    return this.full().written();
  }

  /** Itself, which must be full. */
  full(): this {
    if (this.offset !== this.#end) {
      throw new RangeError(`wrote ${this.offset - this.start} of ${this.#end - this.start} bytes`);
    }
    return this;
  }
}
