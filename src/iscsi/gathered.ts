import { ISCSI_CRUMB_BYTES, ISCSI_SEGMENT_PARTS_MAX } from "../limits.ts";

/** Data that comes bit by bit: as views of what was received, but for crumbs, which are copied together. */
export class Gathered {
  #parts: Uint8Array[] = [];
  /** Of them all, once they are crumbs. */
  #joined: Uint8Array | undefined;
  bytes = 0;

  add(part: Uint8Array): void {
    const before = this.bytes;
    this.bytes += part.length;
    if (this.#joined === undefined) {
      this.#parts.push(part);
      if (this.#parts.length > ISCSI_SEGMENT_PARTS_MAX + this.bytes / ISCSI_CRUMB_BYTES)
        this.#join();
      return;
    }
    if (this.bytes > this.#joined.length) this.#grow(this.#joined.subarray(0, before));
    this.#joined.set(part, before);
  }

  /** One after another. */
  get parts(): readonly Uint8Array[] {
    return this.#joined === undefined ? this.#parts : [this.#joined.subarray(0, this.bytes)];
  }

  clear(): void {
    this.#parts = [];
    this.#joined = undefined;
    this.bytes = 0;
  }

  #join(): void {
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#grow(whole);
  }

  #grow(whole: Uint8Array): void {
    this.#joined = Buffer.allocUnsafeSlow(2 * this.bytes);
    this.#joined.set(whole);
  }
}
