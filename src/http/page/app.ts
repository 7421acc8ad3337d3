import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { type Ipv4, parseIpv4 } from "../../bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../bytes/mac.ts";
import { LIVE_RETRY_MS } from "../../limits.ts";
import type { NodeHandler } from "../../net/http.ts";
import { type Asset, readAssets } from "./assets.ts";

/** Where server-sent events go. */
export interface EventReader {
  readonly address: Ipv4;
  /** False: it takes no more for now. */
  send(text: string): boolean;
  end(): void;
}

export interface PageDeps {
  /** Undefined: too many follow already. */
  readonly follow: (reader: EventReader) => { drained(): void; left(): void } | undefined;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  /** Of one node, or of all. */
  readonly history: (mac: MacAddress | undefined) => object;
  readonly refused: (reason: "readers") => void;
  readonly report: (what: string, error: unknown) => void;
}

/** Nothing of elsewhere, nothing inline, and in nobody's frame: host names and paths come from the network. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const headers = {
  "Content-Security-Policy": policy,
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

/**
 * The page, its events, metrics and history: read only, for whoever reaches the server. The listener is ours (net/http.ts),
 * with its bounds on connections, headers, pipelining and time; this is only what answers.
 */
export async function openPage(deps: PageDeps): Promise<NodeHandler> {
  const app = fastify({ exposeHeadRoutes: true });
  app.addHook("onSend", async (_, reply) => void reply.headers(headers));
  app.setErrorHandler((error, request, reply) => {
    deps.report(`HTTP ${request.method} ${request.url}`, error);
    return reply.code(500).type("text/plain").send("server error\n");
  });
  app.setNotFoundHandler((_, reply) => reply.code(404).type("text/plain").send("not found\n"));
  for (const asset of await readAssets()) serveAsset(app, asset);
  app.get("/metrics", async (_, reply) =>
    reply.type(deps.metrics.contentType).send(await deps.metrics.text()),
  );
  app.get<{ Querystring: Record<string, unknown> }>("/history.json", (request, reply) => {
    const { mac: text } = request.query;
    const mac = text === undefined ? undefined : parseMac(String(text));
    reply.header("Cache-Control", "no-store");
    if (text !== undefined && mac === undefined) {
      return reply.code(400).type("text/plain").send("mac: expected a MAC address\n");
    }
    return reply.type("application/json").send(`${JSON.stringify(deps.history(mac))}\n`);
  });
  app.get("/events", { exposeHeadRoute: false }, (_, reply) => follow(deps, reply));
  await app.ready();
  return (request, response) => app.routing(request, response);
}

function serveAsset(app: FastifyInstance, { path, type, bytes, tag }: Asset): void {
  app.get(path, (request, reply) => {
    reply.headers({ "Cache-Control": "no-cache", ETag: tag });
    if (request.headers["if-none-match"] === tag) return reply.code(304).send();
    return reply.type(type).send(bytes);
  });
}

/** WHATWG HTML §9.2. */
function follow({ follow: join, refused }: PageDeps, reply: FastifyReply): FastifyReply {
  const { raw } = reply;
  const address = parseIpv4(raw.socket?.remoteAddress ?? "");
  if (address === undefined) return reply.code(400).send();
  const following = join({
    address,
    send: (text) => raw.write(text),
    end: () => void raw.destroy(),
  });
  if (following === undefined) {
    refused("readers");
    return reply.code(503).header("Retry-After", 10).type("text/plain").send("too many readers\n");
  }
  reply.hijack();
  raw.on("drain", following.drained);
  raw.once("close", following.left);
  raw.writeHead(200, {
    ...headers,
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
  });
  raw.write(`retry: ${LIVE_RETRY_MS}\n\n`);
  return reply;
}
