import { once } from "node:events";
import http, { type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { formatIpv4, type Ipv4, parseIpv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "./endpoint.ts";
import { listenError } from "./listen-error.ts";

export interface HttpRequest {
  readonly peer: Ipv4;
  readonly method: string;
  /** As it stands in the request line. */
  readonly target: string;
  /** By its name in lower case. */
  header(name: string): string | undefined;
  /** The whole body as UTF-8; undefined where it is longer, or ended too early. */
  body(bytesMax: number): Promise<string | undefined>;
}

export interface HttpResponse {
  /** Comes first, once. */
  head(status: number, headers: Readonly<Record<string, string | number>>): void;
  /** Part of the body. False: the client is gone. When it resolves, the bytes may be used again. */
  write(bytes: Uint8Array): Promise<boolean>;
  /** Comes last, once; a reply to HEAD leaves the text out. */
  end(text?: string): void;
  /** Ends the connection at once: how a reply that cannot be completed says so. */
  destroy(): void;
  /** Leaves request and reply to something that speaks Node's own HTTP. */
  leaveTo(handler: NodeHandler): void;
}

/** A whole request and its reply, as Node has them. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** Why a connection or a request got nothing from the handler. */
export type HttpRefusal =
  | "malformed"
  | "too slow"
  | "too many connections"
  | "too many requests"
  | "server error";

export interface HttpOptions {
  /** Port 0 lets the system choose. */
  readonly local: Endpoint;
  /** One request of a connection at a time. A rejection is reported and answered with 500. */
  readonly handle: (request: HttpRequest, response: HttpResponse) => Promise<void>;
  readonly refused: (reason: HttpRefusal) => void;
  readonly report: (what: string, error: unknown) => void;
  readonly connectionsMax: number;
  /** Of them, so many from one address; all, unless said. */
  readonly connectionsPerHostMax?: number;
  readonly headerBytesMax: number;
  /** Requests waiting on one connection. */
  readonly pipelineMax: number;
  readonly headersMs: number;
  readonly requestMs: number;
  readonly keepAliveMs: number;
  /** A connection on which nothing moves is ended after it. */
  readonly idleMs: number;
}

export interface HttpListener extends AsyncDisposable {
  readonly local: Endpoint;
}

export async function listenHttp(options: HttpOptions): Promise<HttpListener> {
  const server = http.createServer({
    maxHeaderSize: options.headerBytesMax,
    headersTimeout: options.headersMs,
    requestTimeout: options.requestMs,
    keepAliveTimeout: options.keepAliveMs,
    connectionsCheckingInterval: Math.min(1000, options.headersMs),
    noDelay: true,
  });
  server.maxConnections = options.connectionsMax;
  server.timeout = options.idleMs;
  const queues = new WeakMap<Duplex, Queue>();
  server.on("request", (request, response) => {
    const queue = queues.get(request.socket) ?? new Queue();
    queues.set(request.socket, queue);
    if (queue.length >= options.pipelineMax) {
      options.refused("too many requests");
      request.socket.destroy();
    } else queue.add(() => answer(options, request, response));
  });
  server.on("clientError", (error, socket) => {
    refuse(options, error, socket, (queues.get(socket)?.length ?? 0) > 0);
  });
  server.on("drop", () => options.refused("too many connections"));
  boundHosts(server, options);
  try {
    const listening = once(server, "listening");
    server.listen({
      host: formatIpv4(options.local.address),
      port: options.local.port,
      // Of those that come together as many may wait; the kernel has its own limit (net.core.somaxconn).
      backlog: options.connectionsMax,
    });
    await listening;
  } catch (error) {
    throw listenError("TCP", options.local, error);
  }
  const bound = server.address();
  const port = bound !== null && typeof bound === "object" ? bound.port : options.local.port;
  return {
    local: { address: options.local.address, port },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

function boundHosts(
  server: http.Server,
  { connectionsMax, connectionsPerHostMax = connectionsMax, refused }: HttpOptions,
): void {
  const hosts = new Map<string, number>();
  server.on("connection", (socket) => {
    const host = socket.remoteAddress ?? "?";
    const ofHost = hosts.get(host) ?? 0;
    if (ofHost >= connectionsPerHostMax) {
      socket.resetAndDestroy();
      refused("too many connections");
      return;
    }
    hosts.set(host, ofHost + 1);
    socket.once("close", () => {
      const left = (hosts.get(host) ?? 1) - 1;
      if (left > 0) hosts.set(host, left);
      else hosts.delete(host);
    });
  });
}

/** Requests of one connection, one after the other: sent ahead, they must not cost memory all at once. */
class Queue {
  length = 0;
  #last: Promise<void> = Promise.resolve();

  add(work: () => Promise<void>): void {
    this.length += 1;
    this.#last = this.#after(this.#last, work);
  }

  async #after(before: Promise<void>, work: () => Promise<void>): Promise<void> {
    await before;
    await work();
    this.length -= 1;
  }
}

/** Never rejects. */
async function answer(
  options: HttpOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const peer = parseIpv4(request.socket.remoteAddress ?? "");
  // A reply without a socket waited for one that ended with the reply before it.
  if (peer === undefined || response.socket === null || response.socket.destroyed) return;
  const closed = new Promise((resolve) => response.once("close", resolve));
  // "close" follows.
  response.on("error", () => {});
  try {
    await options.handle(requestOf(request, peer), responseOf(request, response));
  } catch (error) {
    options.refused("server error");
    options.report(`HTTP ${request.method} ${request.url}`, error);
    if (response.headersSent) response.destroy();
    else response.writeHead(500, { Connection: "close", "Content-Length": 0 }).end();
  }
  await closed;
}

function requestOf(request: IncomingMessage, peer: Ipv4): HttpRequest {
  return {
    peer,
    method: request.method ?? "",
    target: request.url ?? "",
    header(name) {
      const value = request.headers[name];
      return typeof value === "string" ? value : undefined;
    },
    body: (bytesMax) => bodyOf(request, bytesMax),
  };
}

async function bodyOf(request: IncomingMessage, bytesMax: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    // The reply needs the socket, also where the body is not read to its end.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      length += chunk.length;
      if (length > bytesMax) return undefined;
      chunks.push(chunk);
    }
  } catch {
    return undefined;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function responseOf(request: IncomingMessage, response: ServerResponse): HttpResponse {
  let settle = (_written: boolean): void => {};
  response.once("close", () => settle(false));
  return {
    head: (status, headers) => void response.writeHead(status, headers),
    write: (bytes) =>
      new Promise((resolve) => {
        settle = resolve;
        response.write(bytes, (error) => resolve(error === null || error === undefined));
      }),
    end: (text) => void response.end(text),
    destroy: () => void response.destroy(),
    leaveTo: (handler) => handler(request, response),
  };
}

/** Bytes that are no HTTP, or that came too slowly. */
function refuse(options: HttpOptions, error: Error, socket: Duplex, midReply: boolean): void {
  const code = "code" in error ? String(error.code) : "";
  if (code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  options.refused(code === "ERR_HTTP_REQUEST_TIMEOUT" ? "too slow" : "malformed");
  // Within a reply these bytes would be taken for its body.
  if (midReply) {
    socket.destroy();
    return;
  }
  const status = statusOf(code);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () =>
    socket.destroy(),
  );
}

function statusOf(code: string): string {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "408 Request Timeout";
    case "HPE_HEADER_OVERFLOW":
      return "431 Request Header Fields Too Large";
    default:
      return "400 Bad Request";
  }
}
