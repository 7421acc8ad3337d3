/**
 * Writes into a buffer of the exact size that the caller worked out first. Writing past its end throws:
 * that is our mistake, never the peer's. Big-endian (network order).
 */
export class Writer {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  offset = 0;

  constructor(target: number | Uint8Array) {
    this.bytes = typeof target === "number" ? new Uint8Array(target) : target;
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
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
    if (count > this.bytes.length - this.offset) throw new RangeError("write past the end");
    this.bytes.fill(0, this.offset, this.offset + count);
    this.offset += count;
    return this;
  }

  /** What was written so far, as a view. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.offset);
  }

  /** The whole buffer, which must be full: a size function that disagrees with its writer is a bug. */
  finish(): Uint8Array {
    if (this.offset !== this.bytes.length) {
      throw new RangeError(`wrote ${this.offset} of ${this.bytes.length} bytes`);
    }
    return this.bytes;
  }
}
