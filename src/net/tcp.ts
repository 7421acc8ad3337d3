import { once } from "node:events";
import net from "node:net";
import { formatIpv4, parseIpv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "./endpoint.ts";
import { listenError } from "./listen-error.ts";

export interface TcpConnection {
  readonly peer: Endpoint;
  /** One write is one segment where it fits. False: the peer is slow; stop until `drained`. The bytes are given away. */
  write(bytes: Uint8Array): boolean;
  /** Gathers the writes until `uncork` into one. */
  cork(): void;
  uncork(): void;
  pause(): void;
  resume(): void;
  /** Ends after what was written has left. */
  end(): void;
  /** Ends at once. */
  destroy(): void;
}

export interface TcpHandler {
  /** `bytes` are the handler's own. */
  data(bytes: Uint8Array): void;
  drained(): void;
  /** Called once, whatever ended the connection. */
  closed(): void;
}

export interface TcpListener extends AsyncDisposable {
  readonly local: Endpoint;
  readonly connections: number;
}

export interface TcpOptions {
  /** Port 0 lets the system choose. */
  readonly local: Endpoint;
  readonly connectionsMax: number;
  /** After so long without a byte the kernel asks whether the peer still lives: nodes power off without a FIN. */
  readonly keepAliveMs: number;
  readonly accept: (connection: TcpConnection) => TcpHandler;
  readonly refused: (peer: string) => void;
}

export async function listenTcp(options: TcpOptions): Promise<TcpListener> {
  const sockets = new Set<net.Socket>();
  const server = net.createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: options.keepAliveMs,
  });
  server.maxConnections = options.connectionsMax;
  server.on("drop", (data) => options.refused(data?.remoteAddress ?? "?"));
  server.on("connection", (socket) => {
    const address = parseIpv4(socket.remoteAddress ?? "");
    if (address === undefined) return void socket.destroy();
    sockets.add(socket);
    const handler = options.accept({
      peer: { address, port: socket.remotePort ?? 0 },
      write: (bytes) => socket.write(bytes),
      cork: () => socket.cork(),
      uncork: () => socket.uncork(),
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      end: () => socket.end(),
      destroy: () => socket.destroy(),
    });
    socket.on("data", (bytes) => {
      if (typeof bytes !== "string") handler.data(bytes);
    });
    socket.on("drain", () => handler.drained());
    // A reset is how nodes leave; "close" follows and tells the handler.
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      handler.closed();
    });
  });
  try {
    const listening = once(server, "listening");
    server.listen({ host: formatIpv4(options.local.address), port: options.local.port });
    await listening;
  } catch (error) {
    throw listenError("TCP", options.local, error);
  }
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : options.local.port;
  return {
    local: { address: options.local.address, port },
    get connections() {
      return sockets.size;
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
