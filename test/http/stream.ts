import { once } from "node:events";
import net from "node:net";

/** A bare TCP connection on the loopback: bytes out, bytes in. */
export class RawStream implements AsyncDisposable {
  readonly #socket: net.Socket;
  readonly #chunks: Buffer[] = [];
  #changed: (() => void) | undefined;
  #ended = false;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on("data", (bytes) => {
      if (typeof bytes !== "string") this.#chunks.push(bytes);
      this.#changed?.();
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#ended = true;
      this.#changed?.();
    });
  }

  static async open(port: number, localAddress = "127.0.0.1"): Promise<RawStream> {
    const socket = net.connect({ host: "127.0.0.1", port, localAddress });
    await once(socket, "connect");
    return new RawStream(socket);
  }

  get ended(): boolean {
    return this.#ended;
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
  }

  /** Reads nothing more: the server's send buffer fills. */
  stopReading(): void {
    this.#socket.pause();
  }

  /** Reads what the kernel still holds, to the end. */
  async resumeAndEnd(): Promise<Buffer> {
    this.#socket.resume();
    return this.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** All that came, once it is enough, or the server ended the connection. */
  async until(enough: (received: Buffer) => boolean): Promise<Buffer> {
    while (!this.#ended && !enough(this.received())) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#changed = resolve;
      await promise;
    }
    return this.received();
  }

  /** A whole reply with Content-Length: its head, and its body. */
  async reply(): Promise<{ head: string; body: Buffer }> {
    const whole = await this.until((bytes) => bytes.length >= replyBytes(bytes));
    const bytes = replyBytes(whole);
    this.#chunks.splice(0, this.#chunks.length, whole.subarray(Math.min(bytes, whole.length)));
    const split = whole.indexOf("\r\n\r\n") + 4;
    return {
      head: whole.subarray(0, split).toString("latin1"),
      body: whole.subarray(split, bytes),
    };
  }

  async end(): Promise<Buffer> {
    return this.until(() => false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
    await this.end();
  }
}

function replyBytes(bytes: Buffer): number {
  const split = bytes.indexOf("\r\n\r\n");
  if (split < 0) return Number.POSITIVE_INFINITY;
  const head = bytes.subarray(0, split).toString("latin1");
  // Exactly so, as GRUB reads it.
  return split + 4 + Number(/\r\nContent-Length: (\d+)/.exec(head)?.[1] ?? 0);
}
