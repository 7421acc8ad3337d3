import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PacketReader } from "../../../src/storm/record/packets.ts";
import { readCapture } from "../../../src/storm/record/pcap.ts";
import { type Stream, StreamTable } from "../../../src/storm/record/streams.ts";
import { type CapturedFrame, ipFrame, pcapOf, segmentFrame, udpOf } from "./made-capture.ts";

/** RFC 9293 §3.4 and §3.10.7.4: what comes twice, out of order, or not at all. */

const node = "10.0.0.2:1000";
const server = "10.0.0.1:2049";
const [FIN, SYN, ACK] = [1, 2, 16];

function streamsOf(frames: readonly CapturedFrame[], link?: number): Stream[] {
  const table = new StreamTable();
  const reader = new PacketReader();
  for (const frame of readCapture(pcapOf(frames, link === undefined ? {} : { link })).frames) {
    const packet = reader.read(frame);
    if (packet?.kind === "tcp") table.push(packet);
  }
  return [...table.of(({ address }) => address === 0x0a000002)];
}

const syn = segmentFrame({ at: 0, from: node, to: server, sequence: 0xffff_fff0, flags: SYN });
const synAck = segmentFrame({ at: 1, from: server, to: node, sequence: 500, flags: SYN | ACK });

/** `offset` of the first byte from the connection's beginning; the numbers wrap around after 15 bytes. */
function sent(at: number, offset: number, text: string, flags = ACK): CapturedFrame {
  return segmentFrame({ at, from: node, to: server, sequence: 0xffff_fff1 + offset, flags, text });
}

function textOf(stream: Stream | undefined): string {
  return Buffer.from(stream?.sent.bytes ?? []).toString("latin1");
}

describe("streams of TCP", () => {
  test("bytes in order, with the times at which they came, over the wrap of the sequence numbers", () => {
    const reply = segmentFrame({ at: 9, from: server, to: node, sequence: 501, text: "pong" });
    const [stream] = streamsOf([
      syn,
      synAck,
      sent(5, 0, "0123456789"),
      sent(7, 10, "abcdefghij"),
      reply,
    ]);
    expect(stream).toMatchObject({ client: { port: 1000 }, server: { port: 2049 }, openedAt: 0 });
    expect(textOf(stream)).toBe("0123456789abcdefghij");
    expect(Buffer.from(stream?.received.bytes ?? []).toString()).toBe("pong");
    expect([0, 9, 10, 19].map((offset) => stream?.sent.timeAt(offset))).toEqual([5, 5, 7, 7]);
    expect(stream?.closedAt).toBeUndefined();
  });

  test("what is sent again counts from its first time, also together with others", () => {
    const [stream] = streamsOf([
      syn,
      sent(5, 0, "aaaa"),
      sent(6, 4, "bbbb"),
      sent(90, 0, "XXXXXXXX"),
      sent(91, 2, "XXXXXXcccc"),
    ]);
    expect(textOf(stream)).toBe("aaaabbbbcccc");
    expect([3, 7, 8].map((offset) => stream?.sent.timeAt(offset))).toEqual([5, 6, 91]);
  });

  test("what overtook others waits for them", () => {
    const [stream] = streamsOf([syn, sent(5, 4, "bbbb"), sent(6, 8, "cccc"), sent(8, 0, "aaaa")]);
    expect(textOf(stream)).toBe("aaaabbbbcccc");
    expect([0, 4, 11].map((offset) => stream?.sent.timeAt(offset))).toEqual([8, 8, 8]);
    expect(stream?.sent.gaps).toEqual([]);
  });

  test("what the capture lacks are zeros, and named: in the middle, before a FIN, behind a snapshot length", () => {
    const short = sent(7, 20, "0123456789", ACK);
    const cut = { ...short, bytes: short.bytes.slice(0, -6), length: short.bytes.length };
    const [stream] = streamsOf([
      syn,
      sent(5, 0, "aaaa"),
      sent(6, 8, "cc"),
      cut,
      sent(9, 40, "", FIN | ACK),
    ]);
    expect(textOf(stream)).toBe(`aaaa\0\0\0\0cc${"\0".repeat(10)}0123${"\0".repeat(16)}`);
    expect(stream?.sent.gaps).toEqual([
      { offset: 4, bytes: 4 },
      { offset: 10, bytes: 10 },
      { offset: 24, bytes: 6 },
      { offset: 30, bytes: 10 },
    ]);
    expect(stream?.closedAt).toBe(9);
  });

  test("zeros for what the capture lacks are bounded, of all connections together", () => {
    const lacking = (port: number): CapturedFrame[] => {
      const from = `10.0.0.2:${port}`;
      const segment = { from, to: server, flags: ACK, text: "some" };
      return [
        segmentFrame({ ...segment, at: 1, sequence: 0 }),
        segmentFrame({ ...segment, at: 2, sequence: 300 << 20 }),
      ];
    };
    const streams = streamsOf([...lacking(1), ...lacking(2)]);
    const lengths = streams.map((stream) => stream.sent.bytes.length);
    expect(lengths).toEqual([(300 << 20) + 4, 4]);
  });

  test("the client's own time: from what came to what it sent then", () => {
    const reply = (at: number, offset: number): CapturedFrame =>
      segmentFrame({ at, from: server, to: node, sequence: 501 + offset, text: "data" });
    const [stream] = streamsOf([
      ...[syn, synAck, sent(10, 0, "ask"), reply(20, 0), sent(25, 3, ""), reply(30, 4)],
      ...[reply(32, 8), sent(39, 3, ""), sent(40, 3, ""), reply(50, 12), sent(99, 3, "next")],
    ]);
    expect(stream?.ownTime(10, 50)).toBe(5 + 7);
    expect(stream?.ownTime(25, 50)).toBe(7);
    expect(stream?.ownTime(10, 99)).toBe(5 + 7 + 49);
    expect(stream?.ownTime(0, 10)).toBe(0);
  });

  test("ports that are used again are another connection", () => {
    const again = segmentFrame({ at: 20, from: node, to: server, sequence: 7000, flags: SYN });
    const data = segmentFrame({ at: 21, from: node, to: server, sequence: 7001, text: "second" });
    const streams = streamsOf([syn, syn, sent(5, 0, "first"), again, data]);
    expect(streams.map(textOf)).toEqual(["first", "second"]);
  });

  test("a connection from before the capture is the node's; one that was opened to the node is not", () => {
    const late = [sent(5, 4, "bbbb"), sent(6, 0, "aaaa")];
    expect(streamsOf(late).map(textOf)).toEqual(["aaaabbbb"]);
    const overtaken = [
      sent(5, 8, "cccc"),
      sent(6, 0, "aaaa"),
      sent(7, 4, "bbbb"),
      sent(8, 4, "XX"),
    ];
    expect(streamsOf(overtaken).map(textOf)).toEqual(["aaaabbbbcccc"]);
    const opened = segmentFrame({ from: server, to: node, sequence: 1, flags: SYN });
    expect(streamsOf([opened, ...late])).toEqual([]);
  });

  test("Linux cooked captures, raw IP, and VLAN tags", () => {
    const without = (frame: CapturedFrame, head: readonly number[]): CapturedFrame => ({
      at: frame.at,
      bytes: Uint8Array.from([...head, ...frame.bytes.slice(14)]),
    });
    const all = [syn, sent(5, 0, "text")];
    const sll = [0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0, 8, 0];
    const sll2 = [8, 0, 0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 2, 0, 0];
    const vlan = [...new Array<number>(12).fill(2), 0x81, 0, 0, 5, 8, 0];
    for (const [link, head] of [
      [113, sll],
      [276, sll2],
      [101, []],
      [1, vlan],
    ] as const) {
      const frames = all.map((frame) => without(frame, head));
      expect(streamsOf(frames, link).map(textOf)).toEqual(["text"]);
    }
  });

  test("whatever order, however often: the same bytes", () => {
    const text = "the quick brown fox jumps over the lazy dog";
    const piece = fc.record({
      start: fc.nat(text.length - 1),
      length: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(fc.array(piece), fc.array(fc.nat()), (extra, order) => {
        const whole = [...text].map((_, start) => ({ start, length: 1 }));
        const pieces = [...whole, ...extra];
        const keyed = pieces.map((one, at) => ({
          one,
          key: order[at % Math.max(1, order.length)] ?? at,
        }));
        keyed.sort((a, b) => a.key - b.key);
        const frames = keyed.map(({ one }, at) =>
          sent(10 + at, one.start, text.slice(one.start, one.start + one.length)),
        );
        const [stream] = streamsOf([syn, ...frames]);
        expect(textOf(stream)).toBe(text);
        const times = [...text].map((_, offset) => stream?.sent.timeAt(offset) ?? 0);
        expect(times.toSorted((a, b) => a - b)).toEqual(times);
      }),
      { numRuns: 50 },
    );
  });
});

describe("datagrams", () => {
  test("fragments make one datagram, in whatever order; one that lacks a part makes none", () => {
    const payload = new Uint8Array(2000).map((_, at) => at & 255);
    const udp = udpOf("10.0.0.1:69", "10.0.0.2:2070", payload);
    const part = (start: number, end: number, more: boolean): Uint8Array =>
      ipFrame(
        17,
        "10.0.0.1:0",
        "10.0.0.2:0",
        udp.slice(start, end),
        (start >> 3) | (more ? 0x2000 : 0),
      );
    const parts = [part(0, 800, true), part(800, 1600, true), part(1600, 2008, false)];
    for (const order of [
      [0, 1, 2],
      [2, 0, 1],
      [1, 2, 0],
    ]) {
      const reader = new PacketReader();
      const found = order.flatMap((which) => {
        const bytes = parts[which] ?? new Uint8Array(0);
        return reader.read({ at: 0, link: 1, bytes, length: bytes.length }) ?? [];
      });
      expect(found).toHaveLength(1);
      expect(found[0]).toMatchObject({ kind: "udp", length: 2000, to: { port: 2070 } });
      expect(found[0]?.payload).toEqual(payload);
    }
    const reader = new PacketReader();
    const lacking = [parts[0], parts[2]].flatMap((bytes) =>
      bytes === undefined
        ? []
        : (reader.read({ at: 0, link: 1, bytes, length: bytes.length }) ?? []),
    );
    expect(lacking).toEqual([]);
  });

  test("a datagram in more parts than it can have is given up", () => {
    const payload = new Uint8Array(8 * 140);
    const udp = udpOf("10.0.0.1:69", "10.0.0.2:2070", payload);
    const wholeOf = (partBytes: number): boolean => {
      const reader = new PacketReader();
      let isWhole = false;
      for (let start = 0; start < udp.length; start += partBytes) {
        const more = start + partBytes < udp.length ? 0x2000 : 0;
        const part = udp.slice(start, start + partBytes);
        const bytes = ipFrame(17, "10.0.0.1:0", "10.0.0.2:0", part, (start >> 3) | more);
        isWhole ||= reader.read({ at: 0, link: 1, bytes, length: bytes.length }) !== undefined;
      }
      return isWhole;
    };
    expect([wholeOf(16), wholeOf(8)]).toEqual([true, false]);
  });

  test("no frame throws, however it is cut or changed", () => {
    const frame = sent(0, 0, "text").bytes;
    const changed = fc.record({
      at: fc.nat(frame.length - 1),
      value: fc.nat(255),
      end: fc.nat(frame.length),
    });
    fc.assert(
      fc.property(changed, fc.constantFrom(1, 101, 113, 276), ({ at, value, end }, link) => {
        const bytes = Uint8Array.from(frame);
        bytes[at] = value;
        new PacketReader().read({
          at: 0,
          link,
          bytes: bytes.subarray(0, end),
          length: frame.length,
        });
      }),
    );
  });
});
