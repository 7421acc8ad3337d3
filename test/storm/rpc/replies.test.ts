import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Reader } from "../../../src/bytes/reader.ts";
import { STORM_RPC_FRAGMENTS_MAX, STORM_RPC_RECORD_BYTES_MAX } from "../../../src/limits.ts";
import { REPLY_HEAD_BYTES, type ReplySink, ReplyStream } from "../../../src/storm/rpc/replies.ts";
import { Out } from "../../nfs/client.ts";

/** Takes records whose first byte is odd in pieces, from their eighth byte on. */
class Sink implements ReplySink {
  readonly records: string[] = [];
  pieces = 0;
  #current = "";

  whole(record: Reader): void {
    this.records.push(Buffer.from(record.take(record.remaining)).toString("hex"));
  }

  begins(record: Reader): boolean {
    if (record.remaining < REPLY_HEAD_BYTES) throw new Error("the head is not all here");
    const head = record.take(8);
    if ((head[0] ?? 0) % 2 === 0) return false;
    this.#current = Buffer.from(head).toString("hex");
    return true;
  }

  piece(bytes: Uint8Array, start: number, end: number): void {
    this.pieces += 1;
    this.#current += Buffer.from(bytes.subarray(start, end)).toString("hex");
  }

  ends(length: number): void {
    expect(this.#current).toHaveLength(2 * length);
    this.records.push(this.#current);
  }
}

function fragment(bytes: Uint8Array, isLast: boolean): Buffer {
  return new Out()
    .u32(bytes.length + (isLast ? 0x8000_0000 : 0))
    .raw(bytes)
    .bytes();
}

/** Cut where it is told to be: in places that are fractions of the whole. */
function cut(bytes: Uint8Array, places: readonly number[]): Buffer[] {
  const at = places.map((place) => Math.floor(place * bytes.length)).toSorted((a, b) => a - b);
  return [0, ...at].map((start, index) => Buffer.from(bytes.subarray(start, at[index])));
}

const places = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 });
const record = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.uint8Array({ minLength: REPLY_HEAD_BYTES - 2, maxLength: 2 * REPLY_HEAD_BYTES }),
);

describe("replies on a connection (RFC 5531 §11)", () => {
  test("records come as they were sent, however they are fragmented and cut", () => {
    const records = fc.array(fc.tuple(record, places), { minLength: 1, maxLength: 5 });
    const check = fc.property(records, places, (sent, cuts) => {
      const fragments = sent.flatMap(([bytes, fragmented]) =>
        cut(bytes, fragmented).map((part, at) => fragment(part, at === fragmented.length)),
      );
      const sink = new Sink();
      const stream = new ReplyStream(sink);
      for (const chunk of cut(Buffer.concat(fragments), cuts)) {
        // The buffer is used again for what comes next.
        const reader = new Reader(chunk);
        expect(stream.push(reader, chunk.length)).toBe(undefined);
        chunk.fill(0xee);
      }
      expect(sink.records).toEqual(sent.map(([bytes]) => Buffer.from(bytes).toString("hex")));
    });
    fc.assert(check, { numRuns: 300 });
  });

  test("a long one that is wanted in pieces is kept nowhere", () => {
    const sink = new Sink();
    const stream = new ReplyStream(sink);
    const bytes = fragment(Buffer.alloc(100_000, 1), true);
    for (let at = 0; at < bytes.length; at += 1000) {
      const chunk = bytes.subarray(at, at + 1000);
      stream.push(new Reader(chunk), chunk.length);
    }
    expect(sink.pieces).toBe(101);
    expect(sink.records).toHaveLength(1);
  });

  test("what is announced too long is refused before it comes, and so are fragments without end", () => {
    const long = new Out().u32(0x8000_0000 + STORM_RPC_RECORD_BYTES_MAX + 1).bytes();
    const once = new ReplyStream(new Sink()).push(new Reader(long), 4);
    expect(once?.malformed).toBe("too long");
    const parts = new Out();
    const half = fragment(Buffer.alloc(STORM_RPC_RECORD_BYTES_MAX / 2), false);
    for (let at = 0; at < 3; at += 1) parts.raw(half);
    const many = parts.bytes();
    expect(new ReplyStream(new Sink()).push(new Reader(many), many.length)?.malformed).toBe(
      "too long",
    );
    const empty = Buffer.alloc(4 * (STORM_RPC_FRAGMENTS_MAX + 1));
    const endless = new ReplyStream(new Sink()).push(new Reader(empty), empty.length);
    expect(endless?.malformed).toBe("too many fragments");
  });
});
