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
 */
const HEADER_BYTES = 64;
const IOVEC_BYTES = 16;
const ADDRESS_BYTES = 16;
const AF_INET = 2;

export class MessageArray {
  /** Where the kernel finds it. */
  readonly pointer: bigint;
  readonly count: number;
  readonly datagramBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #iovecs: number;
  readonly #addresses: number;
  readonly #datagrams: number;
  /** The last of each place: nearly all that arrive are equally long. */
  readonly #views: Uint8Array[] = [];

  constructor(count: number, datagramBytes: number, addressOf: (memory: ArrayBuffer) => bigint) {
    this.count = count;
    this.datagramBytes = datagramBytes;
    this.#iovecs = count * HEADER_BYTES;
    this.#addresses = this.#iovecs + count * IOVEC_BYTES;
    this.#datagrams = this.#addresses + count * ADDRESS_BYTES;
    const memory = new ArrayBuffer(this.#datagrams + count * datagramBytes);
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
    this.pointer = addressOf(memory);
    for (let at = 0; at < count; at += 1) this.#link(at);
  }

  #link(at: number): void {
    const pointer = (offset: number, to: number): void =>
      this.#view.setBigUint64(offset, this.pointer + BigInt(to), true);
    const header = at * HEADER_BYTES;
    const iovec = this.#iovecs + at * IOVEC_BYTES;
    pointer(header, this.#addresses + at * ADDRESS_BYTES);
    this.#view.setUint16(this.#addresses + at * ADDRESS_BYTES, AF_INET, true);
    this.#view.setUint32(header + 8, ADDRESS_BYTES, true);
    pointer(header + 16, iovec);
    this.#view.setBigUint64(header + 24, 1n, true);
    pointer(iovec, this.#datagrams + at * this.datagramBytes);
    this.#view.setUint32(iovec + 8, this.datagramBytes, true);
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
