import { formatIpv4 } from "../../bytes/ipv4.ts";
import { type Endpoint, formatEndpoint } from "../../net/endpoint.ts";
import type { Fetched } from "../content.ts";
import type { FileDeed } from "../trace/trace.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly server: Endpoint;
  /** As it stands in the request line. */
  readonly path: string;
  /** Of a POST: text. */
  readonly body?: string;
  /** size: only that is asked for (HEAD). */
  readonly ends: FileDeed["ends"];
  /** Of the content, for `expectations`; undefined: it is not looked at. */
  readonly key: string | undefined;
  /** The last that is called. */
  readonly done: (failure: string | undefined, fetched?: Fetched) => void;
}

/** What is there already, when a connection broke off. */
interface Resumed {
  readonly from: number;
  readonly etag: string | undefined;
}

/** With the header fields that iPXE sends, which keeps its connection, or those that GRUB does, which does not. */
export function encodeRequest(
  { method, server, path, body, ends }: HttpRequest,
  isKept: boolean,
  { from, etag }: Resumed,
): Uint8Array {
  const fields = [
    `${ends === "size" ? "HEAD" : method} ${path} HTTP/1.1`,
    ...(isKept ? ["Connection: keep-alive"] : []),
    "User-Agent: sidus storm",
    `Host: ${server.port === 80 ? formatIpv4(server.address) : formatEndpoint(server)}`,
    ...(from > 0 ? [`Range: bytes=${from}-`] : []),
    // RFC 9110 §13.1.5: only a strong one says that the bytes are the same.
    ...(from > 0 && etag?.startsWith('"') === true ? [`If-Range: ${etag}`] : []),
    ...(body === undefined
      ? []
      : ["Content-Type: text/plain", `Content-Length: ${Buffer.byteLength(body)}`]),
  ];
  return Buffer.from(`${fields.join("\r\n")}\r\n\r\n${body ?? ""}`);
}
