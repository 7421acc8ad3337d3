import { ANY_ADDRESS } from "../../bytes/ipv4.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { openUdp, type UdpSocket } from "../../net/udp.ts";
import type { Origin } from "../client.ts";
import { Download, type DownloadOptions } from "./download.ts";

export interface TftpFetchOptions extends Omit<DownloadOptions, "send" | "port" | "lost"> {
  readonly server: Endpoint;
  readonly from: Origin;
}

/** Fetches one file, from a port of its own (RFC 1350 §4). Disposing of it breaks off without a word. */
export function tftpFetch(options: TftpFetchOptions): Disposable {
  const fetching = new Fetching(options);
  fetching.open();
  return fetching;
}

class Fetching implements Disposable {
  readonly #options: TftpFetchOptions;
  #socket: UdpSocket | undefined;
  #download: Download | undefined;
  #isOver = false;

  constructor(options: TftpFetchOptions) {
    this.#options = options;
  }

  open(): void {
    const { from, server, done } = this.#options;
    openUdp({
      local: { address: from.address ?? ANY_ADDRESS, port: 0 },
      receive: (bytes, { address, port }) => {
        if (address === server.address) this.#download?.receive(bytes, port);
      },
      // What was not sent was lost, as far as the transfer goes: it is sent again.
      report: () => {},
    }).then(
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

  #opened(socket: UdpSocket): void {
    this.#socket = socket;
    if (this.#isOver) return void socket[Symbol.asyncDispose]();
    const { server, done } = this.#options;
    this.#download = new Download({
      ...this.#options,
      port: server.port,
      send: (datagram, port) => socket.send(datagram, { address: server.address, port }),
      lost: () => {
        void socket[Symbol.asyncDispose]();
        this.open();
      },
      done: (failure, fetched) => {
        this[Symbol.dispose]();
        done(failure, fetched);
      },
    });
  }
}
