import { type Malformed, malformed } from "../../bytes/malformed.ts";

/** What a reply says before its content (RFC 9112 §4, §5, §6). */
export interface ReplyHead {
  readonly status: number;
  /** Undefined: as long as the connection lasts, or in chunks. */
  readonly length: number | undefined;
  readonly isChunked: boolean;
  /** Whether another request may follow on the connection (RFC 9112 §9.3). */
  readonly isKept: boolean;
  /** Of `Content-Range`; undefined: it begins at the beginning. */
  readonly start: number | undefined;
  readonly etag: string | undefined;
}

/** `text`: from the status line up to the empty line. */
export function replyHeadOf(text: string): ReplyHead | Malformed {
  const [line = "", ...fields] = text.split("\r\n");
  const [, minor, status] = /^HTTP\/1\.(\d) (\d{3})(?: |$)/.exec(line) ?? [];
  if (status === undefined) return malformed("no status line");
  const named = new Map<string, string>();
  for (const field of fields) {
    const colon = field.indexOf(":");
    if (colon <= 0) return malformed("header field without a name");
    named.set(field.slice(0, colon).toLowerCase(), field.slice(colon + 1).trim());
  }
  const length = numberOf(named.get("content-length"), /^(\d{1,15})$/);
  const start = numberOf(named.get("content-range"), /^bytes (\d{1,15})-\d+\/(?:\d+|\*)$/);
  if (length === null || start === null) return malformed("length or range is no number");
  const coding = named.get("transfer-encoding")?.toLowerCase();
  if (coding !== undefined && coding !== "chunked") return malformed(`Transfer-Encoding`);
  const connection = named.get("connection")?.toLowerCase() ?? "";
  return {
    status: Number(status),
    length: coding === undefined ? length : undefined,
    isChunked: coding !== undefined,
    isKept: minor === "0" ? connection === "keep-alive" : connection !== "close",
    start,
    etag: named.get("etag"),
  };
}

/** Undefined where there is none, null where it is something else. */
function numberOf(text: string | undefined, form: RegExp): number | undefined | null {
  if (text === undefined) return undefined;
  const digits = form.exec(text)?.[1];
  return digits === undefined ? null : Number(digits);
}
