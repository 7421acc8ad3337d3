import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { encodePdu, type Pdu } from "../../src/iscsi/packet.ts";
import { PduStream } from "../../src/iscsi/stream.ts";
import { captured } from "./captured.ts";

type Event = Pdu | string;

function drained(stream: PduStream): Event[] {
  const events: Event[] = [];
  for (let pdu = stream.next(); pdu !== undefined; pdu = stream.next()) {
    if (typeof pdu !== "string" && isMalformed(pdu)) return [...events, pdu.malformed];
    events.push(pdu);
  }
  return events;
}

/** Each chunk in memory of its own, as from a socket. */
function pushed(stream: PduStream, chunks: readonly Uint8Array[]): Event[] {
  return chunks.flatMap((chunk) => {
    stream.push(Uint8Array.from(chunk));
    return drained(stream);
  });
}

function split(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const edges = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).map((edge, at) => bytes.subarray(edges[at], edge));
}

/** As bytes: in how many parts the data came does not show. */
function flat(events: readonly Event[]): string[] {
  return events.map((event) =>
    typeof event === "string" ? event : Buffer.from(encodePdu(event)).toString("hex"),
  );
}

function digests(hasHeaderDigest: boolean, hasDataDigest: boolean, segmentBytesMax = 8192) {
  const stream = new PduStream(0);
  stream.agree({ hasHeaderDigest, hasDataDigest, segmentBytesMax });
  return stream;
}

/** NOP-Out with five bytes; their sums, lowest byte first, from a bitwise CRC-32C in another language. */
const header = Uint8Array.fromHex(
  "4080000000000005000000000000000000000001ffffffff000000010000000100000000000000000000000000000000",
);
const data = Uint8Array.fromHex("0102030405000000");
const headerSum = Uint8Array.fromHex("4ac6d3e3");
const dataSum = Uint8Array.fromHex("1c788c67");

describe("RFC 7143 §11.1: PDUs wherever the connection was cut", () => {
  const streams = captured.map(({ bytes }) => bytes.subarray(0, 9000));
  const whole = streams.map((bytes) => flat(pushed(new PduStream(1 << 18), [bytes])));

  test("byte by byte", () => {
    for (const [at, bytes] of streams.entries()) {
      const crumbs = Array.from(bytes, (_, start) => bytes.subarray(start, start + 1));
      expect(flat(pushed(new PduStream(1 << 18), crumbs))).toEqual(whole[at]);
    }
  });

  test("anywhere", () => {
    const which = fc.nat({ max: streams.length - 1 });
    const property = fc.property(which, fc.array(fc.nat(), { maxLength: 40 }), (at, cuts) => {
      const bytes = streams[at] ?? new Uint8Array(0);
      expect(flat(pushed(new PduStream(1 << 18), split(bytes, cuts)))).toEqual(whole[at]);
    });
    fc.assert(property, { numRuns: 300 });
  });

  test("every truncation is waited for", () => {
    for (const bytes of streams) {
      const [first] = flat(pushed(new PduStream(1 << 18), [bytes]));
      const length = (first ?? "").length / 2;
      for (let end = 0; end < length; end += 1) {
        expect(pushed(new PduStream(1 << 18), [bytes.subarray(0, end)])).toEqual([]);
      }
    }
  });

  test("any mutation is another PDU, or refused", () => {
    const which = fc.nat({ max: streams.length - 1 });
    const property = fc.property(which, fc.nat(), fc.nat({ max: 255 }), (at, place, value) => {
      const bytes = Uint8Array.from(streams[at] ?? []);
      bytes[place % 200] = value;
      pushed(new PduStream(1 << 18), split(bytes, [place]));
    });
    fc.assert(property, { numRuns: 500 });
  });
});

describe("data segments", () => {
  const bytes = Uint8Array.from([...header, ...data]);

  test("are views of what came", () => {
    const stream = new PduStream(8192);
    const chunk = Uint8Array.fromHex(`${"01a0".padEnd(14, "0")}04${"00".repeat(40)}01020304`);
    stream.push(chunk);
    const [pdu] = drained(stream);
    if (pdu === undefined || typeof pdu === "string" || pdu.opcode !== 1) throw new Error("none");
    expect(pdu.data).toHaveLength(1);
    expect(pdu.data[0]?.buffer).toBe(chunk.buffer);
  });

  test("in crumbs are put together", () => {
    const length = 5000;
    const command = Uint8Array.fromHex(`01a0000000001388${"00".repeat(40)}`);
    const content = Uint8Array.from({ length }, (_, at) => at % 251);
    const all = Uint8Array.from([...command, ...content]);
    const crumbs = Array.from(all, (_, at) => all.subarray(at, at + 1));
    const [pdu] = pushed(new PduStream(8192), crumbs);
    if (pdu === undefined || typeof pdu === "string" || pdu.opcode !== 1) throw new Error("none");
    expect(pdu.data).toEqual([content]);
  });

  test("longer than agreed are refused before they come", () => {
    const long = Uint8Array.from(header);
    long[6] = 0x20;
    long[7] = 1;
    expect(pushed(new PduStream(8192), [long])).toEqual(["segment-too-long"]);
    long[7] = 0;
    expect(pushed(new PduStream(8192), [long])).toEqual([]);
  });

  test("§11.2.3: padding is not kept", () => {
    const [pdu] = pushed(digests(false, false), [bytes]);
    expect(pdu).toMatchObject({ data: Uint8Array.fromHex("0102030405") });
  });
});

describe("RFC 7143 §13.1: digests", () => {
  const both = Uint8Array.from([...header, ...headerSum, ...data, ...dataSum]);
  const twice = Uint8Array.from([...both, ...both]);
  const payload = { data: Uint8Array.fromHex("0102030405") };

  test("of the header, and of data with its padding, wherever they were cut", () => {
    for (let cut = 0; cut < twice.length; cut += 1) {
      const events = pushed(digests(true, true), split(twice, [cut]));
      expect(events).toMatchObject([payload, payload]);
    }
  });

  test("one of the two alone", () => {
    const headerOnly = Uint8Array.from([...header, ...headerSum, ...data]);
    const dataOnly = Uint8Array.from([...header, ...data, ...dataSum]);
    expect(pushed(digests(true, false), [headerOnly])).toMatchObject([payload]);
    expect(pushed(digests(false, true), [dataOnly])).toMatchObject([payload]);
  });

  test("no data, no digest of it", () => {
    const empty = Uint8Array.from(header);
    empty[7] = 0;
    expect(pushed(digests(false, true), [empty, empty])).toHaveLength(2);
  });

  test("a wrong one of the header ends the stream, a wrong one of data that PDU", () => {
    for (let at = 0; at < both.length; at += 1) {
      const wrong = Uint8Array.from(twice);
      wrong[at] = (wrong[at] ?? 0) ^ 0x10;
      const stream = digests(true, true);
      const events = pushed(stream, [wrong]);
      if (at < header.length + headerSum.length) {
        // A length that is wrong is not known to be: the digest is looked for elsewhere, or the segment is too long.
        expect(events.filter((event) => typeof event !== "string")).toEqual([]);
      } else {
        expect(events).toMatchObject(["data-digest", payload]);
      }
      if (at >= header.length + headerSum.length) expect(stream.header).toEqual(header);
    }
  });
});
