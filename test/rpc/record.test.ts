import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { RecordReader } from "../../src/rpc/record.ts";
import { bootCaptures, tcpStreams } from "../captures.ts";
import { mark, records } from "../nfs/client.ts";

/** All records of a stream that comes in these chunks, as text; the last can be the reason why it was given up. */
function read(chunks: Iterable<Uint8Array>): string[] {
  const reader = new RecordReader();
  const found: string[] = [];
  for (const chunk of chunks) {
    reader.push(chunk);
    for (let next = reader.next(); next !== undefined; next = reader.next()) {
      if (isMalformed(next)) return [...found, next.malformed];
      found.push(textOf(next.take(next.remaining)));
    }
  }
  return found;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("latin1");
}

function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [0, ...[...at].sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

const streams = bootCaptures.flatMap((name) =>
  [111, 2049, 20048].flatMap((port) =>
    tcpStreams(name, port).filter((stream) => stream.to.port === port),
  ),
);

describe("RFC 5531 §11: record marking", () => {
  test("every captured client's stream, in one piece", () => {
    expect(streams.length).toBeGreaterThan(70);
    for (const { bytes } of streams) {
      expect(read([bytes])).toEqual(records(bytes).map(textOf));
    }
  });

  test("every split of a stream in two, and byte by byte, gives the same records", () => {
    const [{ bytes } = { bytes: new Uint8Array(0) }] = streams.filter(({ to }) => to.port === 2049);
    const head = bytes.subarray(0, 1200);
    const whole = read([head]);
    expect(whole.length).toBeGreaterThan(5);
    for (let at = 0; at <= head.length; at += 1) expect(read(cut(head, [at]))).toEqual(whole);
    expect(read([...head].map((byte) => Uint8Array.of(byte)))).toEqual(whole);
  });

  test("any records in any fragments in any chunks come out whole and in order", () => {
    const fragments = fc.array(fc.uint8Array({ maxLength: 300 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(fragments, { maxLength: 8 }),
        fc.array(fc.nat(4000), { maxLength: 12 }),
        (sent, cuts) => {
          const stream = Buffer.concat(
            sent.flatMap((parts) =>
              parts.flatMap((part, at) => [mark(part.length, at === parts.length - 1), part]),
            ),
          );
          const chunks = cut(
            stream,
            cuts.filter((at) => at <= stream.length),
          );
          expect(read(chunks)).toEqual(sent.map((parts) => textOf(Buffer.concat(parts))));
        },
      ),
    );
  });

  test("a record announced as 2 GiB is given up at its mark", () => {
    expect(read([Uint8Array.of(0xff, 0xff, 0xff, 0xff)])).toEqual(["record-too-long"]);
    expect(read([Uint8Array.of(0x7f, 0xff, 0xff, 0xff)])).toEqual(["record-too-long"]);
  });

  test("a record that grows beyond the bound by its fragments is given up", () => {
    const part = Buffer.concat([mark(30_000, false), Buffer.alloc(30_000)]);
    expect(read([part, part, part])).toEqual(["record-too-long"]);
    const full = Buffer.concat([mark(65_536), Buffer.alloc(65_536)]);
    expect(read([full])[0]).toHaveLength(65_536);
    expect(read([mark(65_537)])).toEqual(["record-too-long"]);
  });

  test("endless empty fragments are given up", () => {
    const empty = mark(0, false);
    expect(read([Buffer.concat(Array(64).fill(empty)), mark(2), Buffer.from("ab")])).toEqual([
      "too-many-fragments",
    ]);
    const some = read([Buffer.concat(Array(63).fill(empty)), mark(2), Buffer.from("ab")]);
    expect(some).toEqual(["ab"]);
  });
});
