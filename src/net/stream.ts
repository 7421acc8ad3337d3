import net from "node:net";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { Reader } from "../bytes/reader.ts";
import type { Endpoint } from "./endpoint.ts";

/** A connection that we open. */
export interface StreamSocket {
  /** True: the bytes have left, and are the caller's again. False: they are given away. */
  write(bytes: Uint8Array): boolean;
  /** Nothing is told any more, `closed` neither. */
  destroy(): void;
}

export interface StreamHandler {
  opened(): void;
  /** The first `length` of the reader's bytes, which are used again when this returns. */
  received(chunk: Reader, length: number): void;
  /** Once, whatever ended it, or kept it from being opened: an error's code, as `ECONNREFUSED`. */
  closed(code: string | undefined): void;
}

export interface StreamOptions {
  readonly server: Endpoint;
  /** Its own end; without an address the system chooses one. */
  readonly from: { readonly address: Ipv4 | undefined };
  /** Undefined lets the system choose. */
  readonly localPort: number | undefined;
}

export type Connect = (options: StreamOptions, handler: StreamHandler) => StreamSocket;

/** `chunkBytes`: what is received at once, into one buffer of all its connections: it is done with before any other is read. */
export function streamConnector(chunkBytes: number): Connect {
  const chunk = new Reader(Buffer.allocUnsafeSlow(chunkBytes));
  return (options, handler) => connect(options, handler, chunk);
}

function connect(
  { server, from, localPort }: StreamOptions,
  handler: StreamHandler,
  chunk: Reader,
): StreamSocket {
  let isOver = false;
  let code: string | undefined;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    handler.closed(code);
  };
  const socket = net.connect({
    host: formatIpv4(server.address),
    port: server.port,
    ...(from.address === undefined ? {} : { localAddress: formatIpv4(from.address) }),
    ...(localPort === undefined ? {} : { localPort }),
    noDelay: true,
    onread: {
      buffer: chunk.bytes,
      callback(length) {
        if (!isOver) handler.received(chunk, length);
        return true;
      },
    },
  });
  socket.on("connect", () => {
    if (!isOver) handler.opened();
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    code = error.code;
  });
  // A server that ends its side ends the connection: nothing is answered any more.
  socket.on("end", () => socket.destroy());
  socket.on("close", over);
  return {
    write(bytes) {
      socket.write(bytes);
      return socket.writableLength === 0;
    },
    destroy() {
      isOver = true;
      socket.destroy();
    },
  };
}
