import dgram from "node:dgram";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { afterArrivals } from "./clock.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Libc, loadLibc } from "./libc.ts";
import { MessageArray } from "./message-array.ts";
import { cachedAddress, openUdp, type UdpOptions, type UdpSocket } from "./udp.ts";

/** Datagrams that one call of the system takes. */
const MESSAGES = 64;
/** What fits an Ethernet frame; what is longer goes out alone. */
const LEAVING_BYTES = 1536;
/** The longest DHCP message that we read; what is longer is cut, and is no message then. */
const ARRIVED_BYTES = 4096;
/** Fewer are soon done with: hardly any came meanwhile. What did, node:dgram tells of. */
const MANY = 8;
/** Calls in a row that may receive, before others than this socket have their turn. */
const ROUNDS_MAX = 16;

/** The system's calls for many datagrams, and the memory for them: of all sockets that are opened with it. */
export interface Batching {
  readonly libc: Libc;
  readonly arrived: MessageArray;
  readonly leaving: MessageArray;
  /** Whose datagrams wait in `leaving`. */
  sender: { flush(): void } | undefined;
}

/**
 * Undefined where there are none: openBatchedUdp then opens a socket that sends and receives one by one. What is longer
 * than `arrivedBytes` is cut; memory is taken by what arrives, not by what may.
 */
export function loadBatching(arrivedBytes: number = ARRIVED_BYTES): Batching | undefined {
  const libc = loadLibc();
  if (libc === undefined) return undefined;
  return {
    libc,
    arrived: new MessageArray(MESSAGES, arrivedBytes, libc.addressOf),
    leaving: new MessageArray(MESSAGES, LEAVING_BYTES, libc.addressOf),
    sender: undefined,
  };
}

export interface BatchedUdpOptions extends UdpOptions {
  /**
   * Those in a row to one address may leave as one message, which the network card cuts, or the kernel before it (GSO). Not
   * where clients read frames by packet sockets, as DHCP's do: between virtual cards nobody cuts it before them. Nor where
   * frames are captured: what is captured of it is one frame of up to 64 KiB.
   */
  readonly joins?: boolean;
}

/**
 * A socket for thousands of small datagrams: where node:dgram spends a system call, objects and 64 KiB of memory on each,
 * all that have arrived come in by one call, and all that they are answered with leave by one.
 *
 * node:dgram still owns the socket. It says that something has arrived, with the first datagram; it also sends what does
 * not fit the system's buffer, as soon as that has room.
 */
export async function openBatchedUdp(
  options: BatchedUdpOptions,
  batching: Batching | undefined,
): Promise<UdpSocket> {
  const fd = batching?.libc.udpSocket(options.local, options.reuseAddress === true);
  if (batching === undefined || fd === undefined) return openUdp(options);
  const socket = dgram.createSocket("udp4");
  try {
    const listening = once(socket, "listening");
    socket.bind({ fd, exclusive: true });
    await listening;
  } catch (error) {
    socket.close();
    closeSync(fd);
    throw error;
  }
  if (options.broadcast === true) socket.setBroadcast(true);
  if (options.receiveBuffer !== undefined) socket.setRecvBufferSize(options.receiveBuffer);
  return new BatchedSocket(socket, fd, batching, options);
}

class BatchedSocket implements UdpSocket {
  readonly local: Endpoint;
  readonly #socket: dgram.Socket;
  readonly #fd: number;
  readonly #batching: Batching;
  readonly #receive: UdpOptions["receive"];
  readonly #report: UdpOptions["report"];
  #waiting = 0;
  /** The last that node:dgram was given: it sends them in order. */
  #alone: Promise<void> = Promise.resolve();
  #joins: boolean;
  /** It had its turn: node:dgram goes on for a while, one datagram at a time. */
  #hadTurn = false;
  #open = true;

  constructor(socket: dgram.Socket, fd: number, batching: Batching, options: BatchedUdpOptions) {
    this.local = { address: options.local.address, port: socket.address().port };
    this.#socket = socket;
    this.#fd = fd;
    this.#batching = batching;
    this.#receive = options.receive;
    this.#report = options.report;
    this.#joins = options.joins ?? false;
    socket.on("error", (error) => options.report("UDP socket", error));
    socket.on("message", (bytes, from) => {
      const address = cachedAddress(from.address);
      if (address !== undefined && from.port !== 0)
        this.#receive(bytes, { address, port: from.port });
      this.#receiveAll();
    });
  }

  send(bytes: Uint8Array, to: Endpoint): void {
    if (!this.#open) return;
    if (bytes.length > LEAVING_BYTES) {
      this.#sendAlone(Uint8Array.from(bytes), to);
      return;
    }
    const { leaving, sender } = this.#batching;
    // Others' datagrams make room.
    if (sender !== this || this.#waiting === MESSAGES) sender?.flush();
    this.#batching.sender = this;
    // What others do in this turn leaves together with it.
    if (this.#waiting === 0) queueMicrotask(() => this.flush());
    leaving.put(this.#waiting, bytes, to);
    this.#waiting += 1;
  }

  #receiveAll(): void {
    if (this.#hadTurn) return;
    const { libc, arrived } = this.#batching;
    for (let round = 0; round < ROUNDS_MAX && this.#open; round += 1) {
      const count = libc.recvmmsg(this.#fd, arrived.pointer, MESSAGES);
      for (let at = 0; at < count; at += 1) {
        const from = arrived.endpoint(at);
        const bytes = arrived.datagram(at, arrived.receivedBytes(at));
        if (from.port !== 0) this.#receive(bytes, from);
      }
      this.flush();
      if (count < MANY) return;
    }
    this.#hadTurn = true;
    afterArrivals(() => {
      this.#hadTurn = false;
    });
  }

  /** Lets leave what waits. */
  flush(): void {
    const count = this.#waiting;
    this.#waiting = 0;
    if (!this.#open || count === 0) return;
    const { libc, leaving } = this.#batching;
    const starts = leaving.compose(count, this.#joins);
    const messages = starts.length - 1;
    for (let at = 0; at < messages; ) {
      const isFree = this.#socket.getSendQueueCount() === 0;
      const from = leaving.pointerTo(at);
      const sent = isFree ? libc.sendmmsg(this.#fd, from, messages - at) : 0;
      if (sent > 0) at += sent;
      else {
        this.#sendOthers(starts[at] ?? 0, starts[at + 1] ?? 0, isFree);
        at += 1;
      }
    }
  }

  /** The system's buffer is full, or these cannot be sent so: node:dgram finds out, and waits where that helps. */
  #sendOthers(start: number, end: number, wasFree: boolean): void {
    const { leaving } = this.#batching;
    for (let at = start; at < end; at += 1) {
      const bytes = leaving.datagram(at, leaving.sentBytes(at));
      this.#sendAlone(Uint8Array.from(bytes), leaving.endpoint(at));
    }
    // One by one they left at once: here nobody cuts joined ones.
    const isAtOnce = wasFree && this.#socket.getSendQueueCount() === 0;
    if (end - start > 1 && isAtOnce) this.#joins = false;
  }

  #sendAlone(bytes: Uint8Array, { address, port }: Endpoint): void {
    const to = formatIpv4(address);
    const failed = (error: unknown): void => this.#report(`UDP send to ${to}:${port}`, error);
    this.#alone = new Promise<void>((resolve) => {
      this.#socket.send(bytes, port, to, (error) => {
        if (error !== null) failed(error);
        resolve();
      });
    }).catch(failed);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#open) return;
    this.flush();
    this.#open = false;
    await this.#alone;
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}
