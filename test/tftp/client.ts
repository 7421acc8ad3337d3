import dgram from "node:dgram";
import { once } from "node:events";

export interface Datagram {
  readonly bytes: Buffer;
  readonly port: number;
}

/** A bare UDP socket on the loopback: it sends what it is told and keeps what comes. */
export class RawClient implements AsyncDisposable {
  readonly #socket = dgram.createSocket("udp4");
  readonly #arrived: Datagram[] = [];
  #waiting: (() => void) | undefined;

  static async open(): Promise<RawClient> {
    const client = new RawClient();
    client.#socket.on("message", (bytes, { port }) => {
      client.#arrived.push({ bytes, port });
      client.#waiting?.();
    });
    const listening = once(client.#socket, "listening");
    client.#socket.bind(0, "127.0.0.1");
    await listening;
    return client;
  }

  send(bytes: string | Uint8Array, port: number): void {
    const datagram = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
    this.#socket.send(datagram, port, "127.0.0.1");
  }

  /** The next datagram, in the order of arrival. */
  async next(): Promise<Datagram> {
    for (;;) {
      const first = this.#arrived.shift();
      if (first !== undefined) return first;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting = resolve;
      await promise;
    }
  }

  /** As text, for what is not DATA. */
  async nextText(): Promise<string> {
    return (await this.next()).bytes.toString("latin1");
  }

  /** What has come and was not asked for, once the server has had time to send it. */
  async rest(ms = 50): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return this.#arrived.splice(0).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, "close");
    this.#socket.close();
    await closed;
  }
}
