/**
 * A cursor over received bytes with a sticky error: reading past the end answers zero or empty and
 * sets `failed`, so that a decoder reads straight through and asks once. Big-endian (network order).
 */
export class Reader {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  /** The same bytes. */
  readonly #text: Buffer;
  offset = 0;
  failed = false;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#text = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = bytes.length;
  }

  /** Begins anew, at a part of the same bytes: many messages in one buffer need no view each. */
  aim(start: number, end: number): this {
    this.offset = start;
    this.#end = end;
    this.failed = false;
    return this;
  }

  get remaining(): number {
    return this.#end - this.offset;
  }

  u8(): number {
    const at = this.#take(1);
    return at < 0 ? 0 : this.#view.getUint8(at);
  }

  u16(): number {
    const at = this.#take(2);
    return at < 0 ? 0 : this.#view.getUint16(at);
  }

  u32(): number {
    const at = this.#take(4);
    return at < 0 ? 0 : this.#view.getUint32(at);
  }

  /** For opaque ids (NFS fileid, cookie): 64 bits as they are. */
  u64(): bigint {
    const at = this.#take(8);
    return at < 0 ? 0n : this.#view.getBigUint64(at);
  }

  /** For offsets and sizes: 64 bits; what no JavaScript number can hold exactly fails the read. */
  size64(): number {
    const high = this.u32();
    const low = this.u32();
    if (high > 0x1f_ffff) this.failed = true;
    return this.failed ? 0 : high * 0x1_0000_0000 + low;
  }

  /** A view into the received bytes: copy what must outlive them. */
  take(length: number): Uint8Array {
    const at = this.#take(length);
    return at < 0 ? this.bytes.subarray(0, 0) : this.bytes.subarray(at, at + length);
  }

  /** Bytes as text: each character stands for one. */
  latin1(length: number): string {
    const at = this.#take(length);
    return at < 0 ? "" : this.#text.toString("latin1", at, at + length);
  }

  skip(length: number): void {
    this.#take(length);
  }

  /** Whether these bytes come next; nothing is taken. */
  isNext(bytes: Uint8Array): boolean {
    if (this.failed || bytes.length > this.remaining) return false;
    for (let at = 0; at < bytes.length; at += 1) {
      if (this.bytes[this.offset + at] !== bytes[at]) return false;
    }
    return true;
  }

  /** Says that a value read was out of bounds: everything read from here on is empty. */
  fail(): void {
    this.failed = true;
  }

  #take(length: number): number {
    const at = this.offset;
    if (this.failed || length > this.#end - at) {
      this.failed = true;
      return -1;
    }
    this.offset = at + length;
    return at;
  }
}
