import {
  STORM_HTTP_AGAIN_MAX_MS,
  STORM_HTTP_AGAIN_MS,
  STORM_HTTP_SILENCE_MS,
} from "../../limits.ts";
import { after, type Clock, type Instant } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Expectations, Tally } from "../client.ts";
import { ArrivingContent } from "../content.ts";
import { Deadline } from "../deadline.ts";
import type { Line, LineUser } from "./line.ts";
import { ReplyReader } from "./reader.ts";
import type { ReplyHead } from "./reply.ts";
import { encodeRequest, type HttpRequest } from "./request.ts";

export interface ExchangeSetting {
  readonly clock: Clock;
  readonly tally: Tally;
  readonly expectations: Expectations;
  readonly patienceMs: number;
  /** Whether the connection is to serve others later. */
  readonly isKept: boolean;
  /** A connection that is free, or another one. */
  readonly open: (server: Endpoint, user: LineUser) => Line;
  /** The reply was whole, and the connection is free for another. */
  readonly free: (line: Line) => void;
}

/** One request, until its reply is whole: over as many connections as it takes. */
export class Exchange implements Disposable, LineUser {
  readonly #setting: ExchangeSetting;
  readonly #request: HttpRequest;
  readonly #deadline: Deadline;
  readonly #content = new ArrivingContent();
  readonly #begunAt: Instant;
  /** The most bytes of the content that there were, and when more came than ever. */
  #furthest = -1;
  #heardAt: Instant;
  #line: Line | undefined;
  #reader: ReplyReader | undefined;
  #head: ReplyHead | undefined;
  /** Of the reply that is to be continued. */
  #etag: string | undefined;
  /** Of this connection's reply. */
  #isHeard = false;
  #pause = STORM_HTTP_AGAIN_MS;
  #isOver = false;

  constructor(setting: ExchangeSetting, request: HttpRequest) {
    this.#setting = setting;
    this.#request = request;
    this.#begunAt = setting.clock.now();
    this.#heardAt = this.#begunAt;
    this.#deadline = new Deadline(setting.clock, () => this.#ring());
    this.#ask();
  }

  received(bytes: Uint8Array): void {
    this.#isHeard = true;
    this.#setting.tally.moved("http", bytes.length, 0);
    this.#reader?.push(bytes);
  }

  closed(): void {
    const line = this.#line;
    this.#line = undefined;
    if (this.#reader?.close() === true) return;
    // A server may end a connection that was idle: nothing was lost but a moment (RFC 9112 §9.3.1).
    const wasIdle = line !== undefined && line.uses > 1 && !this.#isHeard;
    if (wasIdle) this.#ask();
    else this.#again();
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#deadline[Symbol.dispose]();
    this.#drop();
  }

  #ask(): void {
    const { clock, open, patienceMs, tally, isKept } = this.#setting;
    this.#isHeard = false;
    this.#head = undefined;
    this.#reader = new ReplyReader(
      {
        head: (head) => this.#begins(head),
        content: (bytes) => this.#arrived(bytes),
        ended: (mayGoOn) => this.#whole(mayGoOn),
        failed: (why) => this.#failed(why),
      },
      this.#request.ends === "size",
    );
    const request = encodeRequest(this.#request, isKept, {
      from: this.#content.bytes,
      etag: this.#etag,
    });
    tally.moved("http", 0, request.length);
    const until = Math.min(clock.now() + STORM_HTTP_SILENCE_MS, this.#heardAt + patienceMs);
    this.#deadline.set(until as Instant);
    this.#line = open(this.#request.server, this);
    this.#line.send(request);
  }

  #begins(head: ReplyHead): void {
    const { status, start, etag } = head;
    const { ends } = this.#request;
    this.#head = head;
    const isMissing = (status === 404 || status === 410) && ends === "missing";
    if (status === 200) {
      this.#content.restart();
      this.#etag = etag;
    }
    if (isMissing || (status >= 200 && status < 300)) this.#progress();
    if (status === 206) {
      if (start !== this.#content.bytes) this.#end("HTTP: another range than was asked for");
    } else if (status >= 500) {
      this.#setting.tally.complained("http", String(status));
      this.#drop();
      this.#again();
    } else if (status >= 300 && !isMissing) this.#end(`HTTP ${status}`);
  }

  #arrived(bytes: Uint8Array): void {
    const isFile = this.#head?.status === 200 || this.#head?.status === 206;
    if (isFile) this.#content.put(bytes);
    this.#progress();
  }

  /** A server that always breaks off at one place gets nobody further: patience ends with it. */
  #progress(): void {
    const now = this.#setting.clock.now();
    if (this.#content.bytes > this.#furthest) {
      this.#furthest = this.#content.bytes;
      this.#heardAt = now;
      this.#pause = STORM_HTTP_AGAIN_MS;
    }
    this.#deadline.set(after(now, Math.min(STORM_HTTP_SILENCE_MS, this.#setting.patienceMs)));
  }

  #whole(mayGoOn: boolean): void {
    const line = this.#line;
    if (mayGoOn && this.#setting.isKept && line !== undefined) {
      this.#line = undefined;
      this.#setting.free(line);
    }
    this.#end(undefined);
  }

  /** The connection is no more: it is made anew, from where it broke off. */
  #again(): void {
    const { clock, patienceMs, tally } = this.#setting;
    const now = clock.now();
    if (now - this.#heardAt >= patienceMs) {
      this.#end("HTTP: no answer");
      return;
    }
    tally.retransmitted("http");
    const until = Math.min(now + this.#pause, this.#heardAt + patienceMs);
    this.#deadline.set(until as Instant);
    this.#pause = Math.min(2 * this.#pause, STORM_HTTP_AGAIN_MAX_MS);
  }

  #ring(): void {
    if (
      this.#line === undefined &&
      this.#setting.clock.now() - this.#heardAt < this.#setting.patienceMs
    )
      this.#ask();
    else {
      this.#drop();
      this.#again();
    }
  }

  #failed(why: string): void {
    this.#setting.tally.complained("http", why);
    this.#end(why);
  }

  #drop(): void {
    this.#reader?.stop();
    this.#line?.destroy();
    this.#line = undefined;
  }

  #end(failure: string | undefined): void {
    if (this.#isOver) return;
    const { clock, tally } = this.#setting;
    const { done, ends, key, method } = this.#request;
    this[Symbol.dispose]();
    if (failure !== undefined) {
      done(failure);
      return;
    }
    const verb = ends === "size" ? "HEAD" : method;
    tally.answered("http", verb, clock.now() - this.#begunAt, 0, 0);
    if (verb === "HEAD") done(undefined, { bytes: this.#head?.length ?? 0 });
    else if (key === undefined || (this.#head?.status !== 200 && this.#head?.status !== 206))
      done(undefined, { bytes: 0 });
    else done(undefined, this.#content.finish("http", key, this.#setting));
  }
}
