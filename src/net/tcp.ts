import { once } from "node:events";
import net from "node:net";
import { formatIpv4, type Ipv4, parseIpv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "./endpoint.ts";
import { listenError } from "./listen-error.ts";
import { noTraffic, type Traffic } from "./traffic.ts";

export interface TcpConnection {
  readonly peer: Endpoint;
  /** Where the peer reached us. */
  readonly local: Endpoint;
  /**
   * Sends the parts in one write, in one segment where they fit. False: the peer is slow; stop until `drained`. The bytes
   * are given away until `sent`, called once when they have left, or never will.
   */
  send(parts: readonly Uint8Array[], sent?: () => void): boolean;
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
  /** Addresses that have connections. */
  hosts(): Ipv4[];
}

export interface TcpOptions {
  /** Port 0 lets the system choose. */
  readonly local: Endpoint;
  readonly connectionsMax: number;
  /** Of them, so many from one address; all, unless said. */
  readonly connectionsPerHostMax?: number;
  /** After so long without a byte the kernel asks whether the peer still lives: nodes power off without a FIN. */
  readonly keepAliveMs: number;
  /** A peer that takes nothing of what was written for so long is gone: while bytes are under way, no keep-alive asks. */
  readonly stalledMs?: number;
  /** Other threads listen at the same endpoint, and the kernel spreads the connections (SO_REUSEPORT). */
  readonly isShared?: boolean;
  /** What comes and goes is added to it. */
  readonly traffic?: Traffic | undefined;
  readonly accept: (connection: TcpConnection) => TcpHandler;
  readonly refused: (peer: string) => void;
}

export async function listenTcp(options: TcpOptions): Promise<TcpListener> {
  const sockets = new Set<net.Socket>();
  const hosts = new Map<Ipv4, number>();
  const { connectionsPerHostMax = options.connectionsMax, traffic = noTraffic() } = options;
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
    const ofHost = hosts.get(address) ?? 0;
    if (ofHost >= connectionsPerHostMax) {
      socket.resetAndDestroy();
      return options.refused(formatIpv4(address));
    }
    hosts.set(address, ofHost + 1);
    sockets.add(socket);
    socket.setTimeout(options.stalledMs ?? 0, () => {
      if (socket.writableLength > 0) socket.destroy();
    });
    const handler = options.accept({
      peer: { address, port: socket.remotePort ?? 0 },
      local: {
        address: parseIpv4(socket.localAddress ?? "") ?? options.local.address,
        port: socket.localPort ?? options.local.port,
      },
      send(parts, sent) {
        for (const part of parts) traffic.sent += part.length;
        return sendTogether(socket, parts, sent);
      },
      pause: () => socket.pause(),
      resume: () => socket.resume(),
      end: () => socket.end(),
      destroy: () => socket.destroy(),
    });
    socket.on("data", (bytes) => {
      if (typeof bytes === "string") return;
      traffic.received += bytes.length;
      handler.data(bytes);
    });
    socket.on("drain", () => handler.drained());
    // A reset is how nodes leave; "close" follows and tells the handler.
    socket.on("error", () => {});
    socket.on("close", () => {
      sockets.delete(socket);
      const left = (hosts.get(address) ?? 1) - 1;
      if (left > 0) hosts.set(address, left);
      else hosts.delete(address);
      handler.closed();
    });
  });
  try {
    const listening = once(server, "listening");
    server.listen({
      host: formatIpv4(options.local.address),
      port: options.local.port,
      reusePort: options.isShared ?? false,
      // Of those that come together as many may wait; the kernel has its own limit (net.core.somaxconn).
      backlog: options.connectionsMax,
    });
    await listening;
  } catch (error) {
    throw listenError("TCP", options.local, error);
  }
  // No descriptor for a connection that came: those that are there go on.
  server.on("error", () => options.refused("?"));
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : options.local.port;
  return {
    local: { address: options.local.address, port },
    get connections() {
      return sockets.size;
    },
    hosts: () => [...hosts.keys()],
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function sendTogether(
  socket: net.Socket,
  parts: readonly Uint8Array[],
  sent: (() => void) | undefined,
): boolean {
  const last = parts.length - 1;
  if (last > 0) socket.cork();
  for (let at = 0; at < last; at += 1) socket.write(parts[at] ?? "");
  // Without a callback Node schedules nothing after the write.
  const isTaken =
    sent === undefined ? socket.write(parts[last] ?? "") : socket.write(parts[last] ?? "", sent);
  if (last > 0) socket.uncork();
  return isTaken;
}
