import type { BootFiles } from "../boot/files.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  HTTP_BODY_BYTES_MAX,
  HTTP_CONNECTIONS_MAX,
  HTTP_CONNECTIONS_PER_HOST_MAX,
  HTTP_HEADER_BYTES_MAX,
  HTTP_HEADERS_MS,
  HTTP_IDLE_MS,
  HTTP_KEEP_ALIVE_MS,
  HTTP_PIPELINE_MAX,
  HTTP_REQUEST_MS,
} from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import {
  type HttpListener,
  type HttpRefusal,
  type HttpRequest,
  type HttpResponse,
  listenHttp,
  type NodeHandler,
} from "../net/http.ts";
import type { BootEvent, Tell } from "../watch/events.ts";
import { replyTo } from "./file-reply.ts";
import { routeOf } from "./route.ts";
import { send } from "./send.ts";

export interface HttpServerOptions {
  /** Port 0 lets the system choose. */
  readonly local: Endpoint;
  readonly files: BootFiles;
  /** A booted node says something of itself: `POST /up`. */
  readonly up: (address: Ipv4, body: string) => void;
  /** What `GET /status.json` shows. */
  readonly status: () => object;
  /** What `GET /explain.json?mac=…` shows: of who was never heard, too. */
  readonly explain: (mac: MacAddress) => { readonly isHeard: boolean; readonly shown: object };
  /** The page for people, and what it shows; made when somebody asks for it first. */
  readonly page?: () => Promise<NodeHandler>;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

type Refusal = HttpRefusal | "path" | "method" | "body";

export function serveHttp(options: HttpServerOptions): Promise<HttpListener> {
  return listenHttp({
    local: options.local,
    handle: (request, response) => handle(options, request, response),
    refused: (reason) => refuse(options, reason),
    report: options.report,
    connectionsMax: HTTP_CONNECTIONS_MAX,
    connectionsPerHostMax: HTTP_CONNECTIONS_PER_HOST_MAX,
    headerBytesMax: HTTP_HEADER_BYTES_MAX,
    pipelineMax: HTTP_PIPELINE_MAX,
    headersMs: HTTP_HEADERS_MS,
    requestMs: HTTP_REQUEST_MS,
    keepAliveMs: HTTP_KEEP_ALIVE_MS,
    idleMs: HTTP_IDLE_MS,
  });
}

async function handle(
  options: HttpServerOptions,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const route = routeOf(request.method, request.target, request.header("accept"));
  switch (route.kind) {
    case "file":
      return sendFile(options, route.path, request, response);
    case "status":
      return sendStatus(response, options.status());
    case "explain": {
      const { isHeard, shown } = options.explain(route.mac);
      return sendJson(response, isHeard ? 200 : 404, shown);
    }
    case "page":
      if (options.page === undefined) return sendFile(options, route.path, request, response);
      return response.leaveTo(await options.page());
    case "up":
      return takeUp(options, request, response);
    case "bad-target":
      refuse(options, "path");
      return sendText(response, 400, "no such path can be\n", closing);
    case "bad-method":
      refuse(options, "method");
      return sendText(response, 405, `only ${route.allow}\n`, { ...closing, Allow: route.allow });
  }
}

async function sendFile(
  options: HttpServerOptions,
  path: string,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const tell = (outcome: Extract<BootEvent, { kind: "file" }>["outcome"], bytes: number): void =>
    options.tell({ kind: "file", protocol: "http", address: request.peer, path, outcome, bytes });
  const file = await options.files(path, { address: request.peer });
  if (file === "missing") {
    tell("missing", 0);
    return sendText(response, 404, "not found\n");
  }
  if (file === "denied") {
    options.tell({
      kind: "refused",
      protocol: "http",
      reason: "denied",
      address: request.peer,
      path,
    });
    return sendText(response, 403, "not for this address\n");
  }
  const reply = replyTo(request, file);
  response.head(reply.status, reply.headers);
  if (reply.body === undefined) return response.end();
  tell("started", 0);
  const { bytes, failure } = await send(file, reply.body, response);
  tell(failure === undefined ? "done" : "aborted", bytes);
  if (failure === undefined) return response.end();
  if (failure !== "gone") options.report(`HTTP ${path}`, failure);
  // The length that the head promised does not come: only the end of the connection can say so.
  response.destroy();
}

async function takeUp(
  options: HttpServerOptions,
  request: HttpRequest,
  response: HttpResponse,
): Promise<void> {
  const body = await request.body(HTTP_BODY_BYTES_MAX);
  if (body === undefined) {
    refuse(options, "body");
    return sendText(response, 413, `at most ${HTTP_BODY_BYTES_MAX} bytes\n`, closing);
  }
  options.up(request.peer, body);
  response.head(204, {});
  response.end();
}

/** After a request whose body was not read. */
const closing = { Connection: "close" };

function sendText(
  response: HttpResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.head(status, {
    "Content-Type": "text/plain; charset=utf-8",
    ...headers,
    "Content-Length": Buffer.byteLength(text),
  });
  response.end(text);
}

const jsonHeaders = { "Cache-Control": "no-store", "Content-Type": "application/json" };

function sendJson(response: HttpResponse, status: number, shown: object): void {
  sendText(response, status, `${JSON.stringify(shown)}\n`, jsonHeaders);
}

/** The bytes of what is shown, for as long as it is: all who ask share them, also who does not read them. */
const bytesOf = new WeakMap<object, Uint8Array>();

async function sendStatus(response: HttpResponse, shown: object): Promise<void> {
  const bytes = bytesOf.get(shown) ?? Buffer.from(`${JSON.stringify(shown)}\n`);
  bytesOf.set(shown, bytes);
  response.head(200, { ...jsonHeaders, "Content-Length": bytes.length });
  if (await response.write(bytes)) response.end();
}

function refuse(options: HttpServerOptions, reason: Refusal): void {
  options.tell({ kind: "refused", protocol: "http", reason });
}
