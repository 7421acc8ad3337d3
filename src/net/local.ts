import { once } from "node:events";
import { chmodSync, rmSync } from "node:fs";
import net from "node:net";
import { UserError } from "../user-error.ts";

/** Lines of text between processes of this machine, over a Unix socket that only its owner may open. */
export interface LocalConnection {
  /** Without its line feed. */
  send(line: string): void;
  destroy(): void;
}

export interface LocalHandler {
  line(text: string): void;
  /** Called once, whatever ended the connection. */
  closed(): void;
}

export interface LocalOptions {
  readonly path: string;
  readonly connectionsMax: number;
  /** Whoever sends a longer one is cut off. */
  readonly lineBytesMax: number;
  readonly accept: (connection: LocalConnection) => LocalHandler;
}

export interface LocalSockets {
  /** Takes the place of a socket that a dead process left: make sure that nobody living listens there. */
  listen(options: LocalOptions): Promise<AsyncDisposable>;
  /** Undefined where nobody listens. */
  connect(
    path: string,
    lineBytesMax: number,
    handler: LocalHandler,
  ): Promise<LocalConnection | undefined>;
}

export const localSockets: LocalSockets = {
  async listen({ path, connectionsMax, lineBytesMax, accept }) {
    checkPath(path);
    const sockets = new Set<net.Socket>();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
      speak(socket, lineBytesMax, accept(connectionOf(socket)));
    });
    server.maxConnections = connectionsMax;
    rmSync(path, { force: true });
    const listening = once(server, "listening");
    server.listen(path);
    await listening;
    chmodSync(path, 0o600);
    // No descriptor for a connection that came: those that are there go on.
    server.on("error", () => {});
    return {
      async [Symbol.asyncDispose]() {
        const closed = new Promise<void>((resolve) => server.close(() => resolve()));
        for (const socket of sockets) socket.destroy();
        await closed;
      },
    };
  },

  async connect(path, lineBytesMax, handler) {
    checkPath(path);
    const socket = net.connect(path);
    try {
      await once(socket, "connect");
    } catch (error) {
      if (isNobody(error)) return undefined;
      throw error;
    }
    speak(socket, lineBytesMax, handler);
    return connectionOf(socket);
  },
};

function connectionOf(socket: net.Socket): LocalConnection {
  return {
    send: (line) => void socket.write(`${line}\n`),
    destroy: () => void socket.destroy(),
  };
}

function speak(socket: net.Socket, lineBytesMax: number, handler: LocalHandler): void {
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text) => {
    const lines = (rest + String(text)).split("\n");
    rest = lines.pop() ?? "";
    if ([...lines, rest].some((line) => line.length > lineBytesMax)) return void socket.destroy();
    for (const line of lines) handler.line(line);
  });
  // "close" follows and tells the handler.
  socket.on("error", () => {});
  socket.on("close", () => handler.closed());
}

/** unix(7): sun_path, less the byte that ends it. Beyond it the kernel would take another place. */
const PATH_BYTES_MAX = 107;

function checkPath(path: string): void {
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return;
  throw new UserError(
    `${path} is too long a path for a socket: choose a directory with a shorter one`,
  );
}

function isNobody(error: unknown): boolean {
  return (
    error instanceof Error &&
    "code" in error &&
    (error.code === "ENOENT" || error.code === "ECONNREFUSED")
  );
}
