import { STORM_CONFIG_BYTES_MAX } from "../../limits.ts";
import type { Event } from "./event.ts";
import type { Fetched } from "./fetched.ts";
import type { Bytes, Stream } from "./streams.ts";

/** HTTP/1.1 (RFC 9112) over a recorded connection: requests with the answers that came to them, in turn. */

export interface HttpTalk {
  readonly fetched: readonly Fetched[];
  /** `POST /up`. */
  readonly ups: readonly Event[];
}

interface Message {
  readonly start: number;
  /** `GET /boot.ipxe HTTP/1.1` */
  readonly first: string;
  /** By names in small letters. */
  readonly fields: ReadonlyMap<string, string>;
  readonly bodyStart: number;
}

interface Answer {
  readonly status: number;
  readonly bodyStart: number;
  readonly bodyBytes: number;
  /** Where it ends on the wire; beyond what came where it was broken off. */
  readonly end: number;
}

const REQUEST = /^[A-Z]+ \S+ HTTP\/1\.[01]$/;
/** RFC 9110 §8.6: longer than any head. */
const HEAD_BYTES_MAX = 65_536;

export function isHttp({ sent }: Stream): boolean {
  return REQUEST.test(lineAt(sent.bytes, 0) ?? "");
}

/** `unfinished` is told the paths of those whose end the capture has not. */
export function httpTalkOf(stream: Stream, unfinished: (path: string) => void): HttpTalk {
  const fetched: Fetched[] = [];
  const ups: Event[] = [];
  let answersAt = 0;
  for (const request of requestsIn(stream.sent)) {
    const [method = "", target = ""] = request.first.split(" ");
    const answer = answerAt(stream, answersAt, method);
    if (answer === undefined) {
      unfinished(target);
      break;
    }
    answersAt = answer.end;
    const isWhole = answer.end <= stream.received.bytes.length;
    const sentAt = stream.sent.timeAt(request.start);
    const endedAt = stream.received.timeAt(Math.min(answer.end, stream.received.bytes.length) - 1);
    const path = pathOf(target);
    if (method === "POST" && path === "/up") ups.push({ sentAt, endedAt, deed: { kind: "up" } });
    else if (method === "GET" || method === "HEAD") {
      if (!isWhole && stream.closedAt === undefined) unfinished(target);
      else {
        const content = contentOf(request, method, path, answer, stream);
        fetched.push({ sentAt, endedAt: endedAt - stream.ownTime(sentAt, endedAt), ...content });
      }
    }
  }
  return { fetched, ups };
}

function contentOf(
  request: Message,
  method: string,
  path: string,
  answer: Answer,
  { received }: Stream,
): Pick<Fetched, "deed" | "text"> {
  const { status, bodyStart, bodyBytes, end } = answer;
  const range = request.fields.get("range");
  const isBroken = method === "HEAD" || end > received.bytes.length;
  const isFound = status >= 200 && status < 300;
  const body = received.bytes.subarray(bodyStart, bodyStart + bodyBytes);
  const isText = isFound && !isBroken && range === undefined && bodyBytes <= STORM_CONFIG_BYTES_MAX;
  return {
    deed: {
      kind: "http",
      path,
      options: range === undefined ? [] : [["Range", range]],
      ends: !isFound ? "missing" : isBroken ? "size" : "whole",
      bytes: isFound ? bodyBytes : 0,
    },
    text: isText ? Buffer.from(body).toString("latin1") : undefined,
  };
}

/** Of an absolute target (RFC 9112 §3.2.2), what is behind the server. */
function pathOf(target: string): string {
  return target.replace(/^https?:\/\/[^/]*/i, "") || "/";
}

function* requestsIn(sent: Bytes): Generator<Message> {
  for (let at = 0; ; ) {
    const request = messageAt(sent.bytes, at);
    if (request === undefined || !REQUEST.test(request.first)) return;
    yield request;
    at = request.bodyStart + lengthOf(request);
  }
}

/** RFC 9112 §6.3. */
function answerAt(stream: Stream, start: number, method: string): Answer | undefined {
  const { bytes } = stream.received;
  let head = messageAt(bytes, start);
  // RFC 9110 §15.2: any number of interim answers come first.
  while (head !== undefined && statusOf(head) < 200) head = messageAt(bytes, head.bodyStart);
  const status = head === undefined ? Number.NaN : statusOf(head);
  if (head === undefined || Number.isNaN(status)) return undefined;
  const { bodyStart, fields } = head;
  if (method === "HEAD" || status === 204 || status === 304) {
    return { status, bodyStart, bodyBytes: lengthOf(head), end: bodyStart };
  }
  if (/\bchunked$/i.test(fields.get("transfer-encoding") ?? "")) {
    return { status, bodyStart, ...chunksAt(bytes, bodyStart) };
  }
  const isUntilClose = !fields.has("content-length");
  const bodyBytes = isUntilClose ? bytes.length - bodyStart : lengthOf(head);
  return { status, bodyStart, bodyBytes, end: bodyStart + bodyBytes };
}

/** NaN: that is no answer. */
function statusOf({ first }: Message): number {
  return Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1] ?? Number.NaN);
}

function lengthOf({ fields }: Message): number {
  const length = Number(fields.get("content-length") ?? 0);
  return Number.isSafeInteger(length) && length >= 0 ? length : 0;
}

/** RFC 9112 §7.1: sizes in hexadecimal, each on a line; the last is 0, and a trailer may follow. */
function chunksAt(bytes: Uint8Array, start: number): Pick<Answer, "bodyBytes" | "end"> {
  let [at, bodyBytes] = [start, 0];
  for (;;) {
    const line = lineAt(bytes, at);
    const [digits] = /^[0-9a-f]{1,12}/i.exec(line ?? "") ?? [];
    if (line === undefined || digits === undefined) return { bodyBytes, end: bytes.length + 1 };
    const size = Number.parseInt(digits, 16);
    at += line.length + 2;
    if (size === 0) break;
    bodyBytes += size;
    at += size + 2;
  }
  for (let line = lineAt(bytes, at); line !== undefined; line = lineAt(bytes, at)) {
    at += line.length + 2;
    if (line === "") break;
  }
  return { bodyBytes, end: at };
}

function lineAt(bytes: Uint8Array, at: number): string | undefined {
  return textUntil(bytes, at, "\r\n");
}

/** Undefined: it does not come soon. */
function textUntil(bytes: Uint8Array, start: number, end: string): string | undefined {
  const here = bytes.subarray(start, start + HEAD_BYTES_MAX);
  const near = Buffer.from(here.buffer, here.byteOffset, here.length);
  const length = near.indexOf(end);
  return length < 0 ? undefined : near.toString("latin1", 0, length);
}

/** Undefined: no whole head is there. */
function messageAt(bytes: Uint8Array, start: number): Message | undefined {
  const text = textUntil(bytes, start, "\r\n\r\n");
  if (text === undefined) return undefined;
  const [first = "", ...lines] = text.split("\r\n");
  const fields = new Map(
    lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
  return { start, first, fields, bodyStart: start + text.length + 4 };
}
