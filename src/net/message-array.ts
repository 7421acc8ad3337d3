import { ipv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "./endpoint.ts";

/**
 * Linux' `struct mmsghdr` (recvmmsg(2)), `count` of them, as 64-bit machines have it, little-endian. Each points to an
 * address and to one piece of memory for a datagram; all of that is one buffer, which never moves or grows.
 *
 *      0           8       16       24        32        40            48      56        60
 *     ┌───────────┬───────┬────────┬─────────┬─────────┬─────────────┬───────┬─────────┬─────┐
 *     │ → address │ bytes │ → iovec│ iovecs  │ control │ control len │ flags │ message │     │  × count
 *     └───────────┴───────┴────────┴─────────┴─────────┴─────────────┴───────┴─────────┴─────┘
 *     iovec: → memory (8), bytes (8); address: struct sockaddr_in (16)
 *     control: struct cmsghdr (16) and 2 bytes: UDP_SEGMENT (udp(7)), where one message is cut into several datagrams
 */
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;
const ADDRESS_BYTES = 16;
const CONTROL_BYTES = 24;
const AF_INET = 2;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** Datagrams in one message: with the longest they stay below the 64 KiB that IP allows. */
const SEGMENTS_MAX = 32;

export class MessageArray {
  /** Where the kernel finds it. */
  readonly pointer: bigint;
  readonly count: number;
  readonly datagramBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** The same pointer: no machine has more memory than a number counts. */
  readonly #start: number;
  readonly #iovecs: number;
  readonly #addresses: number;
  readonly #controls: number;
  readonly #datagrams: number;
  /** The last of each place: nearly all that arrive are equally long. */
  readonly #views: Uint8Array[] = [];

  constructor(count: number, datagramBytes: number, addressOf: (memory: ArrayBuffer) => bigint) {
    this.count = count;
    this.datagramBytes = datagramBytes;
    this.#iovecs = count * HEADER_BYTES;
    this.#addresses = this.#iovecs + count * IOVEC_BYTES;
    this.#controls = this.#addresses + count * ADDRESS_BYTES;
    this.#datagrams = this.#controls + count * CONTROL_BYTES;
    const memory = new ArrayBuffer(this.#datagrams + count * datagramBytes);
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.pointer = addressOf(memory);
    this.#start = Number(this.pointer);
    for (let at = 0; at < count; at += 1) this.#link(at);
  }

  #link(at: number): void {
    const iovec = this.#iovecs + at * IOVEC_BYTES;
    const control = this.#controls + at * CONTROL_BYTES;
    this.#view.setUint16(this.#addresses + at * ADDRESS_BYTES, AF_INET, true);
    this.#view.setUint32(at * HEADER_BYTES + 8, ADDRESS_BYTES, true);
    this.#point(iovec, this.#datagrams + at * this.datagramBytes);
    this.#view.setUint32(iovec + 8, this.datagramBytes, true);
    this.#view.setUint32(control, 16 + 2, true);
    this.#view.setUint32(control + 8, SOL_UDP, true);
    this.#view.setUint32(control + 12, UDP_SEGMENT, true);
    this.#point(at * HEADER_BYTES + 32, control);
    this.#compose(at, at, 1);
  }

  #point(from: number, to: number): void {
    const pointer = this.#start + to;
    this.#view.setUint32(from, pointer % 0x1_0000_0000, true);
    this.#view.setUint32(from + 4, pointer / 0x1_0000_0000, true);
  }

  /** Makes a message of some datagrams, to one address, as long as the first; only the last may be shorter. */
  #compose(message: number, first: number, datagrams: number): void {
    const header = message * HEADER_BYTES;
    this.#point(header, this.#addresses + first * ADDRESS_BYTES);
    this.#point(header + 16, this.#iovecs + first * IOVEC_BYTES);
    this.#view.setUint32(header + 24, datagrams, true);
    this.#view.setUint32(header + 40, datagrams > 1 ? CONTROL_BYTES : 0, true);
    const segment = this.#controls + message * CONTROL_BYTES + 16;
    this.#view.setUint16(segment, this.sentBytes(first), true);
  }

  /**
   * Makes messages of what was put into the first places, joined where several go to one address: the network card or
   * the kernel cuts them, late. Answers where each begins, and where the last ends.
   */
  compose(datagrams: number, isJoined: boolean): number[] {
    const starts: number[] = [];
    for (let at = 0; at < datagrams; ) {
      const length = isJoined ? this.#joinable(at, datagrams) : 1;
      this.#compose(starts.length, at, length);
      starts.push(at);
      at += length;
    }
    return [...starts, datagrams];
  }

  #joinable(first: number, end: number): number {
    const bytes = this.sentBytes(first);
    const address = this.#addresses + first * ADDRESS_BYTES;
    const limit = Math.min(end, first + SEGMENTS_MAX);
    for (let at = first + 1; at < limit; at += 1) {
      const other = this.#addresses + at * ADDRESS_BYTES;
      const isSame =
        this.#view.getUint32(other + 4) === this.#view.getUint32(address + 4) &&
        this.#view.getUint16(other + 2) === this.#view.getUint16(address + 2);
      if (!isSame || this.sentBytes(at) > bytes || this.sentBytes(at) === 0) return at - first;
      if (this.sentBytes(at) < bytes) return at + 1 - first;
    }
    return limit - first;
  }

  /** Where the message `at` is, for a call that begins with it. */
  pointerTo(at: number): bigint {
    return this.pointer + BigInt(at * HEADER_BYTES);
  }

  /** A copy goes out, so that the caller's bytes are free again. */
  put(at: number, bytes: Uint8Array, to: Endpoint): void {
    const address = this.#addresses + at * ADDRESS_BYTES;
    this.#bytes.set(bytes, this.#datagrams + at * this.datagramBytes);
    this.#view.setUint32(this.#iovecs + at * IOVEC_BYTES + 8, bytes.length, true);
    this.#view.setUint16(address + 2, to.port);
    this.#view.setUint32(address + 4, to.address);
  }

  /** What was put there or received. A longer datagram than there is room for is cut. */
  datagram(at: number, bytes: number): Uint8Array {
    const last = this.#views[at];
    if (last?.length === bytes) return last;
    const start = this.#datagrams + at * this.datagramBytes;
    const view = this.#bytes.subarray(start, start + bytes);
    this.#views[at] = view;
    return view;
  }

  receivedBytes(at: number): number {
    return this.#view.getUint32(at * HEADER_BYTES + 56, true);
  }

  sentBytes(at: number): number {
    return this.#view.getUint32(this.#iovecs + at * IOVEC_BYTES + 8, true);
  }

  endpoint(at: number): Endpoint {
    const address = this.#addresses + at * ADDRESS_BYTES;
    return {
      address: ipv4(this.#view.getUint32(address + 4)),
      port: this.#view.getUint16(address + 2),
    };
  }
}
