import { Reader } from "../../bytes/reader.ts";
import { STORM_RPC_FRAGMENTS_MAX } from "../../limits.ts";
import { LAST_FRAGMENT } from "../../rpc/record.ts";
import { readOpaque } from "../../rpc/xdr.ts";
import type { Stream } from "./streams.ts";

/** RPC over a recorded TCP connection: calls with their replies. RFC 5531 §9, §11. */

export interface Exchange {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** Stands at the arguments. */
  readonly call: Reader;
  /** Stands at the results; undefined where the server refused the call. */
  readonly reply: Reader | undefined;
  /** µs, of the call's first and of the reply's last byte. */
  readonly sentAt: number;
  readonly endedAt: number;
}

interface Record {
  /** Of the first mark, and behind the last byte. */
  readonly start: number;
  readonly end: number;
  readonly body: Reader;
}

const MARK_BYTES = 4;
const CALL = 0;
const REPLY = 1;
/** RFC 5531 §8.2: the longest credentials and verifiers. */
const AUTH_BYTES_MAX = 400;

/**
 * In the order of the calls. What was not answered is left out: the connection broke, and the next one asks again; so is
 * what was sent again on the same connection.
 */
export function* exchangesOf({ sent, received }: Stream): Generator<Exchange> {
  const replies = repliesIn(received.bytes);
  for (const { start, body } of recordsIn(sent.bytes)) {
    const xid = body.u32();
    const isCall = body.u32() === CALL && body.u32() === 2;
    const reply = replies.get(xid);
    if (!isCall || reply === undefined) continue;
    replies.delete(xid);
    const program = body.u32();
    const version = body.u32();
    const procedure = body.u32();
    skipAuth(body);
    skipAuth(body);
    if (body.failed) continue;
    yield {
      program,
      version,
      procedure,
      call: body,
      reply: resultsOf(reply.body),
      sentAt: sent.timeAt(start),
      endedAt: received.timeAt(reply.end - 1),
    };
  }
}

/** By xid; the first of each. */
function repliesIn(bytes: Uint8Array): Map<number, Record> {
  const replies = new Map<number, Record>();
  for (const record of recordsIn(bytes)) {
    const xid = record.body.u32();
    if (record.body.u32() === REPLY && !record.body.failed && !replies.has(xid)) {
      replies.set(xid, record);
    }
  }
  return replies;
}

/** Aims at the results of an accepted call that succeeded: MSG_ACCEPTED and SUCCESS are both 0. */
function resultsOf(reply: Reader): Reader | undefined {
  const isAccepted = reply.u32() === 0;
  skipAuth(reply);
  const isSuccess = reply.u32() === 0;
  return isAccepted && isSuccess && !reply.failed ? reply : undefined;
}

function skipAuth(reader: Reader): void {
  reader.skip(4);
  readOpaque(reader, AUTH_BYTES_MAX);
}

/** Whole records only: the last may be cut where the recording ended. */
function* recordsIn(bytes: Uint8Array): Generator<Record> {
  const marks = new Reader(bytes);
  let fragments: Uint8Array[] = [];
  for (let start = 0; marks.remaining >= MARK_BYTES; ) {
    const mark = marks.u32();
    // Nobody sends empty fragments: the recording has a gap here, and where records begin again is not known.
    if (mark === 0 || fragments.length === STORM_RPC_FRAGMENTS_MAX) return;
    fragments.push(marks.take(mark % LAST_FRAGMENT));
    if (marks.failed) return;
    if (mark < LAST_FRAGMENT) continue;
    yield { start, end: marks.offset, body: new Reader(joined(fragments)) };
    fragments = [];
    start = marks.offset;
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [first] = parts;
  return parts.length === 1 && first !== undefined ? first : Buffer.concat(parts);
}
