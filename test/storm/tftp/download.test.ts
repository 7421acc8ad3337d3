import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Download } from "../../../src/storm/tftp/download.ts";
import type { FileDeed } from "../../../src/storm/trace/trace.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { firstIsRight, RecordingTally } from "../recording-tally.ts";
import { simulate } from "./network.ts";

const lockStep = [
  ["tsize", "0"],
  ["blksize", "1408"],
] as const;
const windowed = [
  ["blksize", "1468"],
  ["windowsize", "4"],
] as const;

describe("a file, in order", () => {
  test.each([
    ["without options", [], 100_000],
    ["as PXELINUX asks", lockStep, 100_000],
    ["in windows, as OVMF asks (RFC 7440)", windowed, 100_000],
    ["a last block that is empty", [], 512 * 20],
    ["an empty file", lockStep, 0],
    ["one block", windowed, 100],
  ] as const)("%s", (_, options, size) => {
    const { failure, fetched, isIntact, tally, sent } = simulate({ seed: 1, size, options });
    expect(failure).toBeUndefined();
    expect(fetched?.bytes).toBe(size);
    expect(isIntact).toBe(true);
    expect(tally).toMatchObject({ answers: ["tftp RRQ"], complaints: [], retransmits: 0 });
    const blockBytes = Number(new Map<string, string>(options).get("blksize") ?? 512);
    expect(sent[1]).toBe(Math.floor(size / blockBytes) + 1 + (options.length > 0 ? 1 : 0));
  });

  test("an ACK for each window of four, and for the last block", () => {
    const { sender } = simulate({ seed: 1, size: 1468 * 10, options: windowed });
    // One for the OACK, after blocks 4 and 8, and after 11, which is empty.
    expect(sender.acks).toBe(4);
  });

  test("numbers roll over to 0 after 65,535, in lock-step and in windows", () => {
    const small = (windowsize: string) =>
      [
        ["blksize", "8"],
        ["windowsize", windowsize],
      ] as const;
    for (const windowsize of ["1", "16"]) {
      const result = simulate({
        seed: 2,
        size: 66_000 * 8 + 3,
        options: small(windowsize),
        loss: 0.0005,
      });
      expect([result.failure, result.isIntact]).toEqual([undefined, true]);
    }
  });

  test("short content is text, for those that want to read it", () => {
    const { fetched } = simulate({ seed: 1, size: 40, options: [] });
    expect(fetched?.text).toBeTypeOf("string");
    expect(simulate({ seed: 1, size: 70_000, options: [] }).fetched?.text).toBeUndefined();
  });

  test("for its size only: broken off after the OACK by ERROR 8, as OVMF does", () => {
    const options = [["tsize", "0"], ...windowed] as const;
    const { failure, fetched, sender, sent } = simulate({
      seed: 1,
      size: 9999,
      options,
      ends: "size",
    });
    expect([failure, fetched?.bytes, sender.errors, sent]).toEqual([undefined, 9999, [8], [2, 1]]);
  });
});

describe("a network that loses, repeats and reorders", () => {
  test("150 seeds: what arrives is the file, whole", () => {
    for (let seed = 1; seed <= 150; seed += 1) {
      const chance = new SeededRandom(seed);
      const given = {
        seed,
        size: chance.below(4) === 0 ? 512 * chance.below(60) : chance.below(60_000),
        options: [
          ["blksize", String(chance.below(2) === 0 ? 512 : 8 + chance.below(1461))],
          ["windowsize", String(1 + chance.below(20))],
        ] as const,
        loss: chance.below(6) / 100,
        duplication: chance.below(10) / 100,
        delay: chance.below(6) / 100,
      };
      const { failure, isIntact, ends } = simulate(given);
      expect([failure, isIntact, ends], JSON.stringify(given)).toEqual([undefined, true, 1]);
    }
  });

  test("a loss costs a quarter of a second at most, whatever the server does", () => {
    const clean = simulate({ seed: 4, size: 500_000, options: lockStep });
    const { ms, tally, isIntact } = simulate({
      seed: 4,
      size: 500_000,
      options: lockStep,
      loss: 0.02,
    });
    expect(isIntact).toBe(true);
    expect(tally.retransmits).toBeGreaterThan(5);
    // Twice in a row costs 250 and 500 ms.
    expect(ms).toBeLessThan(clean.ms + tally.retransmits * 600);
  });

  test("a server that answers each ACK, and copies on the way: nothing doubles (RFC 1123 §4.2.3.1)", () => {
    const given = { seed: 5, size: 300_000, options: lockStep, answersEachAck: true };
    const blocks = Math.floor(given.size / 1408) + 1;
    const { sent, isIntact } = simulate({ ...given, duplication: 0.05 });
    expect(isIntact).toBe(true);
    expect(sent[0]).toBeLessThan(blocks * 1.1 + 2);
    expect(sent[1]).toBeLessThan(blocks * 1.2 + 2);
  });

  test("where nothing arrives any more, it gives up", () => {
    const result = simulate({ seed: 6, size: 9000, options: lockStep, loss: 1 });
    expect([result.failure, result.ends, result.ms]).toEqual(["TFTP: no answer", 1, 60_000]);
    // 250, 500, 1,000, … 8,000 ms, then every 10 s.
    expect(result.tally.retransmits).toBe(10);
  });
});

interface Alone {
  readonly download: Download;
  readonly tally: RecordingTally;
  readonly clock: VirtualClock;
  readonly sent: { readonly bytes: Uint8Array; readonly port: number }[];
  readonly ends: (string | undefined)[];
  /** When it was to be begun anew. */
  readonly lost: number[];
}

function alone(deed: Partial<Pick<FileDeed, "options" | "ends">> = {}): Alone {
  const clock = new VirtualClock();
  const tally = new RecordingTally();
  const sent: Alone["sent"] = [];
  const ends: Alone["ends"] = [];
  const lost: Alone["lost"] = [];
  const download = new Download({
    deed: { path: "pxelinux.cfg/default", options: lockStep, ends: "whole", ...deed },
    port: 69,
    key: "file",
    clock,
    tally,
    expectations: firstIsRight(),
    patienceMs: 10_000,
    send: (bytes, port) => sent.push({ bytes: Uint8Array.from(bytes), port }),
    lost: () => lost.push(clock.now()),
    done: (failure) => ends.push(failure),
  });
  return { download, tally, clock, sent, ends, lost };
}

const latin1 = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));
const text = ({ bytes }: { bytes: Uint8Array }): string => Buffer.from(bytes).toString("latin1");

describe("what a server may say", () => {
  test("the request is RFC 2347's, byte for byte, at port 69", () => {
    const { sent } = alone();
    expect(sent.map(text)).toEqual([
      "\0\x01pxelinux.cfg/default\0octet\0tsize\0" + "0\0blksize\0" + "1408\0",
    ]);
    expect(sent[0]?.port).toBe(69);
  });

  test("a file that is not there is what was expected, or a failure", () => {
    const expected = alone({ ends: "missing" });
    expected.download.receive(latin1("\0\x05\0\x01File not found\0"), 4711);
    expect([expected.ends, expected.tally.complaints]).toEqual([[undefined], []]);
    const wanted = alone();
    wanted.download.receive(latin1("\0\x05\0\x01File not found\0"), 4711);
    expect(wanted.ends).toEqual(["TFTP: file not found"]);
    expect(wanted.clock.next()).toBeUndefined();
  });

  test.each([
    ["was not asked for", "windowsize\x0016\0"],
    ["is more than was asked for", "blksize\x001500\0"],
    ["is no number", "tsize\0many\0"],
    ["is less than there is (RFC 2348)", "blksize\x007\0"],
  ])("an option that %s is refused by ERROR 8 (RFC 2347)", (_, options) => {
    const { download, sent, ends } = alone();
    download.receive(latin1(`\0\x06${options}`), 4711);
    expect([sent[1]?.bytes[1], sent[1]?.bytes[3], sent[1]?.port]).toEqual([5, 8, 4711]);
    expect(ends).toEqual(["TFTP: options that were not asked for"]);
  });

  test("names of options in either case; less than was asked for", () => {
    const { download, sent, ends } = alone();
    download.receive(latin1("\0\x06BLKSIZE\x00512\0"), 4711);
    download.receive(latin1(`\0\x03\0\x01${"x".repeat(512)}`), 4711);
    download.receive(latin1("\0\x03\0\x02end"), 4711);
    expect(sent.slice(1).map(text)).toEqual(["\0\x04\0\0", "\0\x04\0\x01", "\0\x04\0\x02"]);
    expect(ends).toEqual([undefined]);
  });

  test("a server without options sends DATA at once", () => {
    const { download, ends } = alone();
    download.receive(latin1("\0\x03\0\x01text"), 4711);
    expect(ends).toEqual([undefined]);
  });

  test("another port than the first answer's gets ERROR 5, and changes nothing (RFC 1350 §4)", () => {
    const { download, sent, ends } = alone();
    download.receive(latin1("\0\x06blksize\x001408\0"), 4711);
    download.receive(latin1("\0\x03\0\x01text"), 4712);
    expect([text(sent[2] ?? { bytes: new Uint8Array() }).slice(0, 4), sent[2]?.port]).toEqual([
      "\0\x05\0\x05",
      4712,
    ]);
    expect(ends).toEqual([]);
  });

  test("a length other than tsize said is a complaint", () => {
    const { download, tally } = alone();
    download.receive(latin1("\0\x06tsize\x00100\0"), 4711);
    download.receive(latin1("\0\x03\0\x01text"), 4711);
    expect(tally.complaints).toEqual(["tftp: not as long as tsize said"]);
  });

  test("an OACK that comes again, because our ACK was lost, is acknowledged again", () => {
    const { download, sent, clock } = alone();
    const oack = latin1("\0\x06blksize\x001408\0");
    download.receive(oack, 4711);
    download.receive(oack, 4711);
    expect(sent.length).toBe(2);
    clock.advance(100);
    download.receive(oack, 4711);
    expect(sent.slice(1).map(text)).toEqual(["\0\x04\0\0", "\0\x04\0\0"]);
  });

  test("a server that was restarted knows nothing of the transfer: after 250, 500, 1,000 and 2,000 ms it is begun anew", () => {
    const { download, sent, clock, ends, lost } = alone();
    download.receive(latin1("\0\x06blksize\x001408\0"), 4711);
    clock.advance(60_000);
    expect([lost, ends, clock.next()]).toEqual([[3750], [], undefined]);
    expect(sent.slice(1).map(text)).toEqual(Array.from({ length: 4 }, () => "\0\x04\0\0"));
  });

  test("disposed of, it is silent", () => {
    const { download, sent, clock, ends } = alone();
    download[Symbol.dispose]();
    download.receive(latin1("\0\x03\0\x01text"), 4711);
    clock.advance(100_000);
    expect([sent.length, ends]).toEqual([1, []]);
  });

  test("nothing that arrives throws, and it ends once", () => {
    const packet = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 1500 }).map((bytes) => Uint8Array.of(0, 3, 0, 1, ...bytes)),
      fc.uint8Array({ maxLength: 30 }).map((bytes) => Uint8Array.of(0, 6, ...bytes, 0)),
      fc.uint8Array({ maxLength: 10 }).map((bytes) => Uint8Array.of(0, 5, ...bytes)),
    );
    const arrivals = fc.array(fc.tuple(packet, fc.integer({ min: 1, max: 3 }), fc.nat(300)));
    fc.assert(
      fc.property(arrivals, fc.constantFrom("whole", "missing", "size"), (list, ends) => {
        const made = alone({ ends });
        for (const [bytes, port, ms] of list) {
          made.download.receive(bytes, port);
          made.clock.advance(ms);
        }
        made.clock.advance(100_000);
        expect(made.ends.length + made.lost.length).toBe(1);
      }),
    );
  });
});
