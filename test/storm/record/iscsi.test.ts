import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { iscsiEventsOf } from "../../../src/storm/record/iscsi.ts";
import type { Stream } from "../../../src/storm/record/streams.ts";
import type { ScsiCommand } from "../../../src/storm/trace/trace.ts";
import { lackingOf, title } from "../../needs.ts";
import { streamOf, streamsOf, tsharkFields } from "./recorded.ts";

/** Sessions of open-iscsi and libiscsi with tgt, against what tshark finds in them; digests by hand from RFC 7143. */

const lacking = lackingOf("tshark");

function sessionsIn(capture: string) {
  return streamsOf(capture)
    .map((stream) => iscsiEventsOf(stream))
    .filter((events) => events.length > 0);
}

function commandsOf(stream: Stream): ScsiCommand[] {
  return iscsiEventsOf(stream).flatMap(({ deed }) => (deed.kind === "scsi" ? [deed.command] : []));
}

describe.skipIf(lacking !== undefined)(title("what tshark finds", lacking), () => {
  test.each(["boots/b1-bios-iscsi", "boots/g2-uefi-iscsi-2boots"])(
    "%s: each command's length, direction and operation, in order",
    (capture) => {
      const [login, ...rest] = sessionsIn(capture).flat();
      expect(login?.deed.kind).toBe("login");
      const commands = rest.flatMap(({ deed }) => (deed.kind === "scsi" ? [deed.command] : []));
      const filter = "iscsi.opcode == 1";
      const [bytes = [], reads = [], writes = []] = tsharkFields(
        capture,
        filter,
        "iscsi.scsicommand.expecteddatatransferlength",
        "iscsi.scsicommand.R",
        "iscsi.scsicommand.W",
      );
      const isSet = (value: string | undefined): boolean => value === "1" || value === "True";
      const way = (at: number): string =>
        isSet(reads[at]) ? "in" : isSet(writes[at]) ? "out" : "none";
      // The last were not answered before the capture ends.
      expect(bytes.length - commands.length).toBeLessThan(3);
      expect(commands.length).toBeGreaterThan(100);
      expect(commands.map((command) => [command.bytes, command.way])).toEqual(
        bytes.slice(0, commands.length).map((value, at) => [Number(value), way(at)]),
      );
    },
  );

  test("times are those of the frames that the request and the status were in", () => {
    const capture = "boots/b1-bios-iscsi";
    const [, first] = sessionsIn(capture).flat();
    const [asked = []] = tsharkFields(capture, "iscsi.opcode == 1", "frame.time_relative");
    const [told = []] = tsharkFields(
      capture,
      "iscsi.opcode == 0x21 || iscsi.scsidata.S == 1",
      "frame.time_relative",
    );
    expect(first?.sentAt).toBe(Math.round(Number(asked[0]) * 1e6));
    expect(first?.endedAt).toBe(Math.round(Number(told[0]) * 1e6));
  });
});

const cdb = (text: string, bytes: number, way: ScsiCommand["way"]) => ({ cdb: text, bytes, way });

test("writes by R2T, aborts, unanswered commands and discovery, as libiscsi had them with tgt", () => {
  const sessions = streamsOf("iscsi/libiscsi-tgt").map((stream) => commandsOf(stream));
  const ready = cdb("000000000000", 0, "none");
  expect(sessions).toEqual([
    [],
    [ready, ready, cdb("2a000000000000000800", 4096, "out")],
    // Five were sent; one was out of the window, and the last was not answered.
    [ready, ready, ready],
    [ready, ready, ready, cdb("5e000000000000400000", 16_384, "in")],
    [
      ready,
      ready,
      cdb("2a000000006400000200", 1024, "out"),
      cdb("2a000000006400000100", 512, "out"),
      cdb("2a000000006400000100", 512, "out"),
      cdb("2a000000006400000200", 1024, "out"),
      cdb("5e000000000000400000", 16_384, "in"),
    ],
  ]);
});

interface Made {
  readonly opcode: number;
  readonly flags: number;
  readonly tag?: number;
  /** From byte 20 of the header. */
  readonly specific?: string;
  readonly ahs?: string;
  readonly data?: string | Uint8Array;
  readonly digests?: boolean;
}

/** RFC 7143 §11.2; digests are not looked at, so that any four bytes will do. */
function pdu({
  opcode,
  flags,
  tag = 1,
  specific = "",
  ahs = "",
  data = "",
  digests,
}: Made): Buffer {
  const header = Buffer.alloc(48);
  const extra = Buffer.from(ahs, "hex");
  const segment = Buffer.from(data);
  header.writeUInt8(opcode, 0);
  header.writeUInt8(flags, 1);
  header.writeUInt8(extra.length / 4, 4);
  header.writeUIntBE(segment.length, 5, 3);
  header.writeUInt32BE(tag, 16);
  Buffer.from(specific, "hex").copy(header, 20);
  const digest = Buffer.from(digests === true ? "deadbeef" : "", "hex");
  const padding = Buffer.alloc((4 - (segment.length % 4)) % 4);
  return Buffer.concat([
    ...[header, extra, digest, segment, padding],
    segment.length > 0 ? digest : Buffer.alloc(0),
  ]);
}

const LOGIN = { opcode: 0x43, flags: 0x87, data: "SessionType=Normal\0" } as const;
const LOGGED_IN = { opcode: 0x23, flags: 0x87 } as const;
/** READ(10) of 8 blocks: expected length, CmdSN, ExpStatSN, CDB. */
const READ = {
  opcode: 0x01,
  flags: 0xc1,
  specific: `00001000${"00000000".repeat(2)}28000000004200000800`,
} as const;
/** A Data-In with its status. */
const DATA = { opcode: 0x25, flags: 0x81, data: new Uint8Array(4096) } as const;

function streamFrom(sent: readonly Made[], received: readonly Made[]): Stream {
  return streamOf(Buffer.concat(sent.map(pdu)), Buffer.concat(received.map(pdu)));
}

/** As if each side's bytes came all at one time: first this one's, then that one's. */
function inTurns(turns: readonly (readonly [Made, Made])[]): Stream {
  const sent = turns.map(([request]) => pdu(request));
  const received = turns.map(([, answer]) => pdu(answer));
  const timesOf = (parts: readonly Buffer[], first: number) => {
    const times = parts.flatMap((part, at) => new Array<number>(part.length).fill(at * 2 + first));
    return {
      bytes: Buffer.concat(parts),
      gaps: [],
      timeAt: (offset: number) => times[offset] ?? 0,
    };
  };
  return { ...streamFrom([], []), sent: timesOf(sent, 0), received: timesOf(received, 1) };
}

describe("by hand", () => {
  const withDigests = "HeaderDigest=CRC32C\0DataDigest=CRC32C\0";

  test("digests are passed over from where the login ends", () => {
    const stream = inTurns([
      [LOGIN, { ...LOGGED_IN, data: withDigests }],
      [
        { ...READ, digests: true },
        { ...DATA, data: new Uint8Array(4093), digests: true },
      ],
      [
        { ...READ, digests: true },
        { ...DATA, digests: true },
      ],
    ]);
    const read = { kind: "scsi", command: cdb("28000000004200000800", 4096, "in") };
    expect(iscsiEventsOf(stream)).toEqual([
      { sentAt: 0, endedAt: 1, deed: { kind: "login" } },
      { sentAt: 2, endedAt: 3, deed: read },
      { sentAt: 4, endedAt: 5, deed: read },
    ]);
  });

  test("a login lasts from its first request to the answer that ends it", () => {
    const negotiation = { ...LOGIN, flags: 0x81 };
    const stream = inTurns([
      [negotiation, { ...LOGGED_IN, flags: 0x81 }],
      [LOGIN, LOGGED_IN],
    ]);
    expect(iscsiEventsOf(stream)).toEqual([{ sentAt: 0, endedAt: 3, deed: { kind: "login" } }]);
  });

  test("a login that was refused is none", () => {
    // Status class and detail are bytes 36 and 37.
    const refused = { ...LOGGED_IN, specific: `${"00".repeat(16)}0203` };
    expect(iscsiEventsOf(inTurns([[LOGIN, refused]]))).toEqual([]);
  });

  test("a tag that is used again answers its last command", () => {
    const other = { opcode: 0x20, flags: 0x80, tag: 99 };
    const stream = inTurns([
      [LOGIN, LOGGED_IN],
      [READ, other],
      [READ, DATA],
    ]);
    expect(iscsiEventsOf(stream).map(({ sentAt, endedAt }) => [sentAt, endedAt])).toEqual([
      [0, 1],
      [4, 5],
    ]);
  });

  test.each([
    ["00", "000000000000"],
    ["5f", "5f000000000000000000"],
    ["88", `88${"00".repeat(15)}`],
    ["a0", `a0${"00".repeat(11)}`],
    ["c0", `c0${"00".repeat(15)}`],
  ])("a command of operation %s is as long as its group says", (operation, expected) => {
    const specific = `00000000${"00000000".repeat(2)}${operation}`;
    const stream = inTurns([
      [
        { ...READ, flags: 0x81, specific },
        { opcode: 0x21, flags: 0x80 },
      ],
    ]);
    expect(commandsOf(stream)).toEqual([cdb(expected, 0, "none")]);
  });

  test("a command of 32 bytes is gathered out of its AHS", () => {
    // SBC-3 §5.14: READ(32), with 24 bytes behind the first eight; §11.2.2.3: extended CDB.
    const specific = `00001000${"00000000".repeat(2)}7f00000000000018${"0009".padEnd(16, "0")}`;
    const ahs = `00110100${"ab".repeat(16)}`;
    const stream = inTurns([[{ ...READ, specific, ahs }, DATA]]);
    expect(commandsOf(stream)).toEqual([
      cdb(`7f000000000000180009000000000000${"ab".repeat(16)}`, 4096, "in"),
    ]);
  });
});

describe("hostile bytes", () => {
  const stream = inTurns([
    [LOGIN, LOGGED_IN],
    [READ, DATA],
    [READ, { opcode: 0x21, flags: 0x80 }],
  ]);
  const [sent, received] = [stream.sent.bytes, stream.received.bytes];

  test("any end of a connection leaves what was whole before it", () => {
    const counts = [...sent.keys(), sent.length].map(
      (end) =>
        iscsiEventsOf({ ...stream, sent: { ...stream.sent, bytes: sent.subarray(0, end) } }).length,
    );
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
    expect(counts.at(-1)).toBe(3);
    for (const end of received.keys()) {
      const bytes = received.subarray(0, end);
      iscsiEventsOf({ ...stream, received: { ...stream.received, bytes } });
    }
  });

  test("mutated bytes break nothing", () => {
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(changes, changes, (inSent, inReceived) => {
        const changed = (bytes: Uint8Array, at: readonly (readonly [number, number])[]) => {
          const copy = Uint8Array.from(bytes);
          for (const [offset, value] of at) copy[offset % copy.length] = value;
          return copy;
        };
        iscsiEventsOf(
          streamOf(changed(sent, inSent), changed(received.subarray(0, 200), inReceived)),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
