import { isUtf8 } from "node:buffer";
import { type MacAddress, parseMac } from "../bytes/mac.ts";
import { assetPaths } from "./page/assets.ts";

/** What a request line asks for. */
export type Route =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "status" }
  | { readonly kind: "explain"; readonly mac: MacAddress }
  | { readonly kind: "up" }
  /** For people and for what watches: no boot file has such a path. */
  | { readonly kind: "page"; readonly path: string }
  | { readonly kind: "bad-target" }
  | { readonly kind: "bad-method"; readonly allow: string };

const pagePaths: ReadonlySet<string> = new Set([
  "/events",
  "/history.json",
  "/metrics",
  ...assetPaths,
]);

/** `accept`: the header of that name. A browser asks `/` for HTML; firmware and loaders that ask for it get no page. */
export function routeOf(method: string, target: string, accept = ""): Route {
  const path = pathOf(target);
  if (path === undefined) return { kind: "bad-target" };
  const reads = method === "GET" || method === "HEAD";
  if (path === "/up")
    return method === "POST" ? { kind: "up" } : { kind: "bad-method", allow: "POST" };
  if (!reads) return { kind: "bad-method", allow: "GET, HEAD" };
  if (path === "/explain.json") return explanationOf(target);
  const isPage = path === "/" ? accept.includes("text/html") : pagePaths.has(path);
  if (isPage) return { kind: "page", path };
  return path === "/status.json" ? { kind: "status" } : { kind: "file", path };
}

/** `/explain.json?mac=52:54:00:77:00:01` */
function explanationOf(target: string): Route {
  const [query = ""] = target.slice(target.indexOf("?") + 1).split("#", 1);
  const mac = parseMac(new URLSearchParams(query).get("mac") ?? "");
  return mac === undefined ? { kind: "bad-target" } : { kind: "explain", mac };
}

/** The decoded path of a request target, without its query (RFC 9112 §3.2.1); a server must also take the absolute form (§3.2.2). */
function pathOf(target: string): string | undefined {
  const origin = target.replace(/^https?:\/\/[^/?#]*/i, "");
  const [encoded = ""] = origin.split(/[?#]/, 1);
  const path = origin !== target && encoded === "" ? "/" : encoded;
  return path.startsWith("/") ? percentDecoded(path) : undefined;
}

/** RFC 3986 §2.1; undefined where a percent sign stands for nothing, or the bytes are no UTF-8. */
function percentDecoded(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes = Buffer.from(
    text.replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    "latin1",
  );
  return isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}
