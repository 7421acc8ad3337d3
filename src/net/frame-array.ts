/**
 * Linux' `struct mmsghdr` (recvmmsg(2)) for frames and when they were there, as 64-bit machines have it, little-endian.
 * Each points to a control message and to room for a frame; all of that is one buffer, which never moves or grows.
 *
 *      0           8       16       24        32          40            48      56       60
 *     ┌───────────┬───────┬────────┬─────────┬───────────┬─────────────┬───────┬────────┬─────┐
 *     │ (address) │       │ → iovec│ iovecs  │ → control │ control len │ flags │ length │     │  × count
 *     └───────────┴───────┴────────┴─────────┴───────────┴─────────────┴───────┴────────┴─────┘
 *     iovec: → frame (8), bytes (8)
 *     control: struct cmsghdr (16), and of SCM_TIMESTAMPNS seconds (8), nanoseconds (8)
 */
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;
const CONTROL_BYTES = 32;

export class FrameArray {
  readonly count: number;
  /** Where the kernel finds it. */
  readonly pointer: bigint;
  readonly #frameBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #controls: number;
  readonly #frames: number;

  /** Frames longer than `frameBytes` are cut. */
  constructor(count: number, frameBytes: number, addressOf: (memory: ArrayBuffer) => bigint) {
    this.count = count;
    this.#frameBytes = frameBytes;
    const iovecs = count * HEADER_BYTES;
    this.#controls = iovecs + count * IOVEC_BYTES;
    this.#frames = this.#controls + count * CONTROL_BYTES;
    const memory = new ArrayBuffer(this.#frames + count * frameBytes);
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.pointer = addressOf(memory);
    for (let at = 0; at < count; at += 1) {
      const header = at * HEADER_BYTES;
      const iovec = iovecs + at * IOVEC_BYTES;
      this.#point(header + 16, iovec);
      this.#view.setUint32(header + 24, 1, true);
      this.#point(header + 32, this.#controls + at * CONTROL_BYTES);
      this.#point(iovec, this.#frames + at * frameBytes);
      this.#view.setUint32(iovec + 8, frameBytes, true);
    }
  }

  #point(from: number, to: number): void {
    this.#view.setBigUint64(from, this.pointer + BigInt(to), true);
  }

  /** Before each call: the kernel writes over how much room there is for the control message. */
  clear(): void {
    for (let at = 0; at < this.count; at += 1) {
      this.#view.setUint32(at * HEADER_BYTES + 40, CONTROL_BYTES, true);
    }
  }

  /** On the wire. */
  lengthOf(at: number): number {
    return this.#view.getUint32(at * HEADER_BYTES + 56, true);
  }

  /** As much of it as there was room for: a view, good until the next call. */
  frame(at: number): Uint8Array {
    const start = this.#frames + at * this.#frameBytes;
    return this.#bytes.subarray(start, start + Math.min(this.lengthOf(at), this.#frameBytes));
  }

  /** Since 1970. */
  secondsOf(at: number): number {
    return this.#view.getUint32(this.#controls + at * CONTROL_BYTES + 16, true);
  }

  nanosecondsOf(at: number): number {
    return this.#view.getUint32(this.#controls + at * CONTROL_BYTES + 24, true);
  }
}
