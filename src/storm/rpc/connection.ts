import type { Reader } from "../../bytes/reader.ts";
import {
  RESERVED_PORT_MAX,
  RESERVED_PORT_MIN,
  RESERVED_PORT_TRIES,
  STORM_RPC_AGAIN_MAX_MS,
  STORM_RPC_AGAIN_MS,
  STORM_RPC_CALL_BYTES,
  STORM_RPC_CALLS_MAX,
  STORM_RPC_SENT_BYTES,
  STORM_RPC_SILENCE_MS,
} from "../../limits.ts";
import { type Alarm, after, type Clock, type Instant } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Connect, StreamSocket } from "../../net/stream.ts";
import { readOpaque } from "../../rpc/xdr.ts";
import type { Origin } from "../client.ts";
import { connectStream } from "../connect.ts";
import { Call } from "./call.ts";
import { ReplyStream } from "./replies.ts";

/** Why a call was not executed: RFC 5531 §9, accept_stat and reject_stat. */
export type Refusal = "unavailable" | "garbage arguments" | "system error" | "denied" | "malformed";

export interface RpcHandler<T> {
  /** Executed. The reader stands at the results and ends with them; `received` bytes came, mark and header included. */
  answered(call: Call<T>, results: Reader, received: number): void;
  refused(call: Call<T>, why: Refusal, received: number): void;
  /** As ReplySink's, for a call whose results begin here. */
  begins(call: Call<T>, results: Reader): boolean;
  piece(call: Call<T>, bytes: Uint8Array, start: number, end: number): void;
  ends(call: Call<T>, received: number): void;
  /** What was received is no answer: one of few texts. */
  complained(reason: string): void;
  /** A call was sent again, or a connection made anew. */
  repeated(): void;
  /** Nothing answered for too long; the connection is closed. */
  gaveUp(): void;
}

export interface RpcOptions<T> {
  readonly server: Endpoint;
  readonly from: Origin;
  /** From a port below 1024, where it may be bound. */
  readonly isPrivileged: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly patienceMs: number;
  readonly callBytesMax?: number;
  readonly handler: RpcHandler<T>;
  /** What a call is about, for each place that a call can have. */
  readonly make: () => T;
  /** Unless it is said, TCP. */
  readonly connect?: Connect;
}

/** Calls of all connections of this thread on their way out; another buffer when a system call did not take all of it. */
let out = Buffer.allocUnsafeSlow(STORM_RPC_SENT_BYTES);
/** Its beginning, as it left last: most calls are as long as the one before. */
let leaving = out;
/** RFC 5531 §8.2: opaque_auth. */
const VERIFIER_BYTES_MAX = 400;

/** Learned from the first EACCES: ports below 1024 are not ours. */
let mayReserve = true;

/**
 * Calls to one server, many under way, answered in any order. It connects when there is something to ask; when the
 * connection breaks, it is made anew, and what was not answered is sent again with the same xids, as RFC 1813 §1.4 expects.
 */
export class RpcConnection<T> {
  readonly #options: RpcOptions<T>;
  readonly #handler: RpcHandler<T>;
  readonly #calls: Call<T>[] = [];
  readonly #free: Call<T>[] = [];
  /** To be sent in this turn. */
  readonly #ready: Call<T>[] = [];
  readonly #flushLater = (): void => this.#flush();
  readonly #again: Alarm;
  readonly #watch: Alarm;
  #isWatching = false;
  #isFlushing = false;
  #socket: StreamSocket | undefined;
  #replies: ReplyStream | undefined;
  /** The one that is received in pieces. */
  #current: Call<T> | undefined;
  #isOpen = false;
  #isClosed = false;
  #wasOpen = false;
  #isReceiving = false;
  /** The alarm is set for the next connection. */
  #isWaiting = false;
  #asked = 0;
  #heardAt = 0 as Instant;
  /** Connections since the last answer. */
  #failures = 0;
  #portTries = 0;
  readonly #firstTurn: number;

  constructor(options: RpcOptions<T>) {
    this.#options = options;
    this.#handler = options.handler;
    this.#again = options.clock.alarm(() => this.#connect());
    this.#watch = options.clock.alarm(() => this.#look());
    this.#firstTurn = Math.floor(options.random() * (2 ** 32 / STORM_RPC_CALLS_MAX));
  }

  /** When the last bytes came: the time of the answers in them. */
  get heardAt(): Instant {
    return this.#heardAt;
  }

  /** A call to be written; undefined: too many are under way. */
  take(): Call<T> | undefined {
    const used = this.#free.pop();
    if (used !== undefined) return used;
    const place = this.#calls.length;
    if (place >= STORM_RPC_CALLS_MAX) return undefined;
    const bytesMax = this.#options.callBytesMax ?? STORM_RPC_CALL_BYTES;
    const call = new Call(this.#options.make(), place, this.#firstTurn, bytesMax);
    this.#calls.push(call);
    return call;
  }

  /** It leaves with all others of this turn. */
  send(call: Call<T>): void {
    if (this.#isClosed) return;
    call.isAsked = true;
    call.sentAt = this.#options.clock.now();
    this.#asked += 1;
    this.#ready.push(call);
    this.#startWatch(call.sentAt);
    if (this.#isReceiving || this.#isFlushing) return;
    this.#isFlushing = true;
    process.nextTick(this.#flushLater);
  }

  /** Whoever took it needs it no more. */
  free(call: Call<T>): void {
    this.#free.push(call);
  }

  close(): void {
    this.#isClosed = true;
    this.#drop();
    this.#again[Symbol.dispose]();
    this.#watch[Symbol.dispose]();
  }

  /** All that are asked, in the order of their places. */
  *asked(): Generator<Call<T>> {
    for (const call of this.#calls) if (call.isAsked) yield call;
  }

  #flush(): void {
    this.#isFlushing = false;
    if (this.#ready.length === 0 || this.#isClosed) return;
    const socket = this.#socket;
    if (socket === undefined || !this.#isOpen) {
      this.#ready.length = 0;
      if (socket === undefined && !this.#isWaiting) this.#connect();
      return;
    }
    let length = 0;
    for (const call of this.#ready) {
      if (!call.isAsked || call.isSent) continue;
      if (length + call.length > STORM_RPC_SENT_BYTES) length = this.#write(socket, length);
      call.copyTo(out, length);
      length += call.length;
      call.isSent = true;
      if (call.wasSent) this.#handler.repeated();
      call.wasSent = true;
    }
    this.#ready.length = 0;
    if (length > 0) this.#write(socket, length);
  }

  #write(socket: StreamSocket, length: number): 0 {
    if (leaving.length !== length) leaving = out.subarray(0, length);
    if (!socket.write(leaving)) leaving = out = Buffer.allocUnsafeSlow(STORM_RPC_SENT_BYTES);
    return 0;
  }

  #connect(): void {
    this.#drop();
    const { server, from, connect = connectStream } = this.#options;
    const localPort = this.#reservedPort();
    const replies = new ReplyStream(this);
    this.#replies = replies;
    if (this.#wasOpen) this.#handler.repeated();
    this.#socket = connect(
      { server, from, localPort },
      {
        opened: () => this.#opened(),
        received: (chunk, length) => this.#received(replies, chunk, length),
        closed: (code) => this.#closed(code, localPort),
      },
    );
  }

  #reservedPort(): number | undefined {
    const { isPrivileged, random } = this.#options;
    if (!isPrivileged || !mayReserve || this.#portTries >= RESERVED_PORT_TRIES) return undefined;
    const count = RESERVED_PORT_MAX - RESERVED_PORT_MIN + 1;
    return RESERVED_PORT_MIN + Math.floor(random() * count);
  }

  #opened(): void {
    this.#isOpen = this.#wasOpen = true;
    this.#portTries = 0;
    this.#ready.length = 0;
    for (const call of this.#calls) {
      call.isSent = false;
      if (call.isAsked) this.#ready.push(call);
    }
    this.#flush();
  }

  #received(replies: ReplyStream, chunk: Reader, length: number): void {
    this.#heardAt = this.#options.clock.now();
    this.#isReceiving = true;
    const problem = replies.push(chunk, length);
    this.#isReceiving = false;
    if (problem === undefined || this.#isClosed) this.#flush();
    else {
      this.#handler.complained(problem.malformed);
      this.#lost();
    }
  }

  #closed(code: string | undefined, localPort: number | undefined): void {
    this.#socket = undefined;
    const isTaken = code === "EADDRINUSE" || code === "EADDRNOTAVAIL";
    if (localPort === undefined || (code !== "EACCES" && !isTaken)) this.#lost();
    else {
      if (isTaken) this.#portTries += 1;
      else mayReserve = false;
      this.#connect();
    }
  }

  /** At first it is made anew at once: a server that was started again is there. */
  #lost(): void {
    this.#drop();
    if (this.#asked === 0) return;
    const wait = this.#failures === 0 ? 0 : STORM_RPC_AGAIN_MS * 2 ** (this.#failures - 1);
    this.#failures += 1;
    this.#isWaiting = true;
    const now = this.#options.clock.now();
    this.#again.set(after(now, Math.min(wait, STORM_RPC_AGAIN_MAX_MS)));
  }

  #drop(): void {
    this.#replies?.end();
    this.#replies = undefined;
    this.#current = undefined;
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#isOpen = this.#isWaiting = false;
    this.#again.set(undefined);
  }

  #startWatch(now: Instant): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#watch.set(after(now, Math.min(STORM_RPC_SILENCE_MS, this.#options.patienceMs)));
  }

  /** Rings once in a while as long as something is asked: no call has a timer of its own. */
  #look(): void {
    this.#isWatching = false;
    if (this.#asked === 0) return;
    const { clock, patienceMs } = this.#options;
    const now = clock.now();
    let oldest = now;
    for (const call of this.asked()) if (call.sentAt < oldest) oldest = call.sentAt;
    const silentSince = Math.max(oldest, this.#heardAt) as Instant;
    // The second: it answers others, never this one.
    if (now - silentSince >= patienceMs || now - oldest >= 2 * patienceMs) {
      this.close();
      this.#handler.gaveUp();
      return;
    }
    if (now - silentSince >= STORM_RPC_SILENCE_MS && this.#isOpen) this.#connect();
    this.#isWatching = true;
    const ends = after(silentSince, patienceMs);
    const checks = after(now, STORM_RPC_SILENCE_MS);
    this.#watch.set(ends < checks ? ends : checks);
  }

  // ReplySink

  whole(record: Reader): void {
    const received = record.remaining + 4;
    const call = this.#callOf(record);
    if (call === undefined) this.#handler.complained("a reply to no call");
    else {
      const why = refusalIn(record);
      this.#settle(call);
      if (why === undefined) this.#handler.answered(call, record, received);
      else this.#handler.refused(call, why, received);
    }
  }

  begins(record: Reader): boolean {
    const call = this.#callOf(record);
    if (call === undefined || refusalIn(record) !== undefined || record.failed) return false;
    if (!this.#handler.begins(call, record)) return false;
    this.#current = call;
    return true;
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    if (this.#current !== undefined) this.#handler.piece(this.#current, bytes, start, end);
  }

  ends(length: number): void {
    const call = this.#current;
    this.#current = undefined;
    if (call === undefined) return;
    this.#settle(call);
    this.#handler.ends(call, length + 4);
  }

  /** An answer, whatever it says: the server is there. */
  #settle(call: Call<T>): void {
    call.isAsked = false;
    this.#asked -= 1;
    this.#failures = 0;
  }

  #callOf(record: Reader): Call<T> | undefined {
    const xid = record.u32();
    const type = record.u32();
    const call = this.#calls[xid % STORM_RPC_CALLS_MAX];
    const isItsAnswer = !record.failed && type === 1 && call?.isSent === true && call.xid === xid;
    return isItsAnswer && call.isAsked ? call : undefined;
  }
}

/** RFC 5531 §9: reply_stat, verifier, accept_stat. Undefined: the results follow. */
function refusalIn(record: Reader): Refusal | undefined {
  const isDenied = record.u32() !== 0;
  if (record.failed || isDenied) return record.failed ? "malformed" : "denied";
  record.skip(4);
  readOpaque(record, VERIFIER_BYTES_MAX);
  const status = record.u32();
  if (record.failed) return "malformed";
  if (status === 0) return undefined;
  if (status === 4) return "garbage arguments";
  return status <= 3 ? "unavailable" : "system error";
}
