import type { Ipv4 } from "../../bytes/ipv4.ts";
import { parseIpv4 } from "../../bytes/ipv4.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { StormServers } from "../servers.ts";

/** Where a file is to be had. */
export interface Place {
  readonly kind: "tftp" | "http";
  readonly server: Endpoint;
  readonly path: string;
}

const HTTP_PORT = 80;

/**
 * What a name stands for that DHCP or a configuration told: a URL, GRUB's `(http,10.13.0.1:8080)/path`, or a path. A path is
 * on the server where `base` is, and, without a slash in front, beside it. TFTP is where the storm's servers say: nobody
 * can tell a node another port. Undefined: on a server that is left out.
 */
export function placeOf(
  name: string,
  base: Place | undefined,
  servers: Pick<StormServers, "tftp" | "http">,
): Place | undefined {
  const [, scheme, authority = "", rest = ""] =
    /^(https?|tftp):\/\/([^/]*)(\/.*)?$/i.exec(name) ??
    /^\((https?|tftp|pxe)(?:,([^)]*))?\)(.*)$/.exec(name) ??
    [];
  if (scheme === undefined) return besides(name, base, servers);
  if (scheme.toLowerCase() !== "http") return at("tftp", servers.tftp, rest);
  if (servers.http === undefined) return undefined;
  return at("http", endpointOf(authority) ?? servers.http, rest);
}

function besides(
  name: string,
  base: Place | undefined,
  servers: Pick<StormServers, "tftp" | "http">,
): Place | undefined {
  if (base === undefined) return at("tftp", servers.tftp, name);
  return {
    ...base,
    path: base.kind === "http" ? urlBeside(name, base.path) : nameBeside(name, base.path),
  };
}

/** RFC 3986 §5.2. */
function urlBeside(name: string, path: string): string {
  const url = URL.parse(name, `http://server${path.startsWith("/") ? path : `/${path}`}`);
  return url === null ? name : `${url.pathname}${url.search}`;
}

/** What PXELINUX's configuration names is beside PXELINUX, not beside that. */
function nameBeside(name: string, path: string): string {
  if (name.startsWith("/")) return name;
  return `${folderOf(path.replace(/(^|\/)pxelinux\.cfg\/[^/]*$/, "$1"))}${name}`;
}

/** With its slash; empty: none. */
export function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/") + 1);
}

function at(kind: Place["kind"], server: Endpoint | undefined, path: string): Place | undefined {
  return server === undefined ? undefined : { kind, server, path };
}

function endpointOf(authority: string): Endpoint | undefined {
  const [host = "", port] = authority.split(":");
  const address: Ipv4 | undefined = parseIpv4(host);
  if (address === undefined) return undefined;
  return { address, port: port === undefined ? HTTP_PORT : Number(port) };
}
