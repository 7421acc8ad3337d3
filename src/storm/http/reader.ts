import { isMalformed } from "../../bytes/malformed.ts";
import { STORM_HTTP_HEAD_BYTES_MAX } from "../../limits.ts";
import { type ReplyHead, replyHeadOf } from "./reply.ts";

export interface ReplyEvents {
  /** Its content follows. */
  head(head: ReplyHead): void;
  /** The bytes are the receiver's only until it returns. */
  content(bytes: Uint8Array): void;
  /** Whole; `isKept`: the connection is good for another. */
  ended(isKept: boolean): void;
  /** No HTTP, or not any that is understood; nothing more is read. */
  failed(why: string): void;
}

const LINE_FEED = 10;

/**
 * A reply, from the bytes of a connection as they come (RFC 9112 §4, §6, §7.1). Content passes through without being
 * copied; lines are kept until they are whole, all of a head together.
 */
export class ReplyReader {
  readonly #events: ReplyEvents;
  readonly #isToHead: boolean;
  #state:
    | "head"
    | "content"
    | "to the end"
    | "size"
    | "chunk"
    | "after chunk"
    | "trailer"
    | "over" = "head";
  #isKept = false;
  #isStopped = false;
  /** Of the content, or of the chunk. */
  #left = 0;
  #line = "";
  #head = "";

  /** `isToHead`: its head says what a GET would be answered with, and nothing follows. */
  constructor(events: ReplyEvents, isToHead: boolean) {
    this.#events = events;
    this.#isToHead = isToHead;
  }

  push(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length && this.#state !== "over") {
      const isContent = this.#state === "content" || this.#state === "chunk";
      if (isContent || this.#state === "to the end") at += this.#content(bytes, at);
      else at += this.#text(bytes, at);
    }
    if (at < bytes.length && !this.#isStopped) this.#fail("HTTP: bytes after the reply");
  }

  /** The connection ended. True: so did the reply, which was as long as that (RFC 9112 §6.3, 8). */
  close(): boolean {
    if (this.#state !== "to the end") return false;
    this.#end();
    return true;
  }

  /** Whatever comes is not wanted; behind content that is whole, it is wrong still. */
  stop(): void {
    // Content behind an answer to HEAD: some servers send it, and loaders close on it.
    if (this.#state !== "over" || this.#isToHead) this.#isStopped = true;
    this.#state = "over";
  }

  #content(bytes: Uint8Array, at: number): number {
    const rest = bytes.length - at;
    const length = this.#state === "to the end" ? rest : Math.min(rest, this.#left);
    this.#left -= length;
    this.#events.content(at === 0 && length === rest ? bytes : bytes.subarray(at, at + length));
    if (this.#left === 0 && this.#state === "content") this.#end();
    if (this.#left === 0 && this.#state === "chunk") this.#state = "after chunk";
    return length;
  }

  #text(bytes: Uint8Array, at: number): number {
    const found = bytes.indexOf(LINE_FEED, at);
    const end = found < 0 ? bytes.length : found + 1;
    if (this.#head.length + this.#line.length + (end - at) > STORM_HTTP_HEAD_BYTES_MAX) {
      this.#fail("HTTP: a head longer than any");
      return end - at;
    }
    this.#line += Buffer.from(bytes.buffer, bytes.byteOffset + at, end - at).toString("latin1");
    if (found < 0) return end - at;
    const line = this.#line.replace(/\r?\n$/, "");
    this.#line = "";
    this.#taken(line);
    return end - at;
  }

  #taken(line: string): void {
    switch (this.#state) {
      case "head":
        if (line !== "") this.#head += this.#head === "" ? line : `\r\n${line}`;
        else if (this.#head !== "") this.#begin();
        break;
      case "size":
        this.#chunk(/^([0-9a-f]{1,12})(?:[ \t;]|$)/i.exec(line)?.[1]);
        break;
      case "after chunk":
        if (line === "") this.#state = "size";
        else this.#fail("HTTP: a chunk longer than it says");
        break;
      default:
        if (line === "") this.#end();
    }
  }

  #begin(): void {
    const head = replyHeadOf(this.#head);
    this.#head = "";
    if (isMalformed(head)) {
      this.#fail(`HTTP: ${head.malformed}`);
      return;
    }
    // RFC 9110 §15.2: interim; the reply is still to come.
    if (head.status < 200) return;
    this.#isKept = head.isKept;
    const isEmpty =
      this.#isToHead || head.status === 204 || head.status === 304 || head.length === 0;
    this.#left = head.length ?? 0;
    if (head.isChunked) this.#state = "size";
    else this.#state = head.length === undefined ? "to the end" : "content";
    this.#events.head(head);
    if (!isEmpty || !this.#isReading()) return;
    this.#state = "content";
    this.#end();
  }

  /** Who was told of the head may have stopped it. */
  #isReading(): boolean {
    return this.#state !== "over";
  }

  #chunk(digits: string | undefined): void {
    if (digits === undefined) {
      this.#fail("HTTP: a chunk without its size");
      return;
    }
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? "trailer" : "chunk";
  }

  #end(): void {
    const isKept = this.#isKept && this.#state !== "to the end";
    this.#state = "over";
    this.#events.ended(isKept);
  }

  #fail(why: string): void {
    this.stop();
    this.#events.failed(why);
  }
}
