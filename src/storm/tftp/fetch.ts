import { ANY_ADDRESS } from "../../bytes/ipv4.ts";
import type { Instant } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { UdpSocket } from "../../net/udp.ts";
import { loadBatching, openBatchedUdp } from "../../net/udp-batch.ts";
import type { Origin } from "../client.ts";
import { Download, type DownloadOptions } from "./download.ts";

export interface TftpFetchOptions
  extends Omit<DownloadOptions, "send" | "port" | "lost" | "begunAt"> {
  readonly server: Endpoint;
  readonly from: Origin;
}

/** RFC 768, 791: no datagram is longer. One that was cut would pass for a last block. */
const DATAGRAM_BYTES_MAX = 65_507;

/** Of all transfers of the thread: the datagrams of a window come in by one call. */
const batching = loadBatching(DATAGRAM_BYTES_MAX);

/** Fetches one file, from a port of its own (RFC 1350 §4). Disposing of it breaks off without a word. */
export function tftpFetch(options: TftpFetchOptions): Disposable {
  const fetching = new Fetching(options);
  fetching.open();
  return fetching;
}

class Fetching implements Disposable {
  readonly #options: TftpFetchOptions;
  readonly #begunAt: Instant;
  /** The most bytes that any download had, and when that was heard of. */
  #furthest = 0;
  #furtherAt: Instant;
  #socket: UdpSocket | undefined;
  #download: Download | undefined;
  #isOver = false;

  constructor(options: TftpFetchOptions) {
    this.#options = options;
    this.#begunAt = this.#furtherAt = options.clock.now();
  }

  open(): void {
    const { from, server, done } = this.#options;
    openBatchedUdp(
      {
        local: { address: from.address ?? ANY_ADDRESS, port: 0 },
        receive: (bytes, { address, port }) => {
          if (address === server.address) this.#download?.receive(bytes, port);
        },
        // What was not sent was lost, as far as the transfer goes: it is sent again.
        report: () => {},
      },
      batching,
    ).then(
      (socket) => this.#opened(socket),
      () => {
        if (!this.#isOver) done("TFTP: no socket");
      },
    );
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#download?.[Symbol.dispose]();
    void this.#socket?.[Symbol.asyncDispose]();
  }

  /** Not for ever: a server that answers each request and then no more gets nobody anywhere. */
  #mayBeginAnew(bytes: number): boolean {
    const { clock, patienceMs } = this.#options;
    const now = clock.now();
    if (bytes > this.#furthest) {
      this.#furthest = bytes;
      this.#furtherAt = now;
    }
    return now - this.#furtherAt < patienceMs;
  }

  #opened(socket: UdpSocket): void {
    this.#socket = socket;
    if (this.#isOver) return void socket[Symbol.asyncDispose]();
    const { server, done } = this.#options;
    this.#download = new Download({
      ...this.#options,
      port: server.port,
      send: (datagram, port) => socket.send(datagram, { address: server.address, port }),
      begunAt: this.#begunAt,
      lost: (bytes) => {
        void socket[Symbol.asyncDispose]();
        if (this.#mayBeginAnew(bytes)) this.open();
        else done("TFTP: no answer");
      },
      done: (failure, fetched) => {
        this[Symbol.dispose]();
        done(failure, fetched);
      },
    });
  }
}
