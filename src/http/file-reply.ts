import type { BootFile } from "../boot/files.ts";
import { type ByteRange, parseRange } from "./range.ts";

/**
 * How a file is answered: the head, and which bytes follow it; none where the head says all.
 * GRUB (2.06) knows `Content-Length: ` only when it is spelled so.
 */
export interface FileReply {
  readonly status: 200 | 206 | 304 | 416;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly body: ByteRange | undefined;
}

/** What a request says beside its path. Headers by their names in lower case. */
export interface FileRequest {
  readonly method: string;
  header(name: string): string | undefined;
}

/** RFC 9110 §13.2.2 (which condition goes first), §14.2 (ranges). */
export function replyTo(request: FileRequest, file: BootFile): FileReply {
  const etag = `"${encodeURIComponent(file.version)}"`;
  const headers = {
    "Accept-Ranges": "bytes",
    "Content-Type": "application/octet-stream",
    ETag: etag,
  };
  if (names(request.header("if-none-match"), etag)) {
    return { status: 304, headers: { ETag: etag }, body: undefined };
  }
  const range = rangeOf(request, file, etag);
  if (range === "unsatisfiable") {
    const whole = `bytes */${file.size}`;
    return {
      status: 416,
      headers: { ...headers, "Content-Range": whole, "Content-Length": 0 },
      body: undefined,
    };
  }
  const wanted = range === "whole" ? { first: 0, last: file.size - 1 } : range;
  const length = wanted.last - wanted.first + 1;
  const body = request.method === "HEAD" || length === 0 ? undefined : wanted;
  if (range === "whole") {
    return { status: 200, headers: { ...headers, "Content-Length": length }, body };
  }
  const part = `bytes ${range.first}-${range.last}/${file.size}`;
  return {
    status: 206,
    headers: { ...headers, "Content-Range": part, "Content-Length": length },
    body,
  };
}

/** RFC 9110 §14.2: GET alone knows ranges. §13.1.5: If-Range must name this very version; we give no dates. */
function rangeOf(
  request: FileRequest,
  file: BootFile,
  etag: string,
): ByteRange | "whole" | "unsatisfiable" {
  const condition = request.header("if-range");
  const applies = request.method === "GET" && (condition === undefined || condition === etag);
  return applies ? parseRange(request.header("range"), file.size) : "whole";
}

/** RFC 9110 §13.1.2: a list of tags, or `*`; W/ makes no difference here. */
function names(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  return condition.split(",").some((entry) => {
    const tag = entry.trim().replace(/^W\//, "");
    return tag === etag || tag === "*";
  });
}
