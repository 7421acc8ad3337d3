import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decode, encode, Opcode, type Packet, writeDataHeader } from "../../src/tftp/packet.ts";
import { allTftpFrames } from "./datagrams.ts";

function decoded(bytes: Uint8Array): Packet {
  const packet = decode(bytes);
  if (isMalformed(packet)) throw new Error(packet.malformed);
  return packet;
}

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

/** Written by hand from RFC 1350 §5, RFC 2347 and RFC 7440 §3. */
const samples: readonly {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly packet: Packet;
}[] = [
  {
    name: "RRQ without options",
    bytes: ascii("\0\x01pxelinux.0\0octet\0"),
    packet: { opcode: Opcode.RRQ, name: "pxelinux.0", mode: "octet", options: [] },
  },
  {
    name: "RRQ whose options keep their order and case",
    bytes: ascii("\0\x01a\0OCTET\0TSize\x000\0blksize\x001468\0windowsize\x004\0"),
    packet: {
      opcode: Opcode.RRQ,
      name: "a",
      mode: "OCTET",
      options: [
        { name: "TSize", value: "0" },
        { name: "blksize", value: "1468" },
        { name: "windowsize", value: "4" },
      ],
    },
  },
  {
    name: "RRQ for a name in UTF-8",
    bytes: ascii("\0\x01\xc3\xa9\0octet\0"),
    packet: { opcode: Opcode.RRQ, name: "é", mode: "octet", options: [] },
  },
  {
    name: "WRQ",
    bytes: ascii("\0\x02up\0netascii\0"),
    packet: { opcode: Opcode.WRQ, name: "up", mode: "netascii", options: [] },
  },
  {
    name: "DATA",
    bytes: ascii("\0\x03\xff\xfeabc"),
    packet: { opcode: Opcode.DATA, block: 65534, data: ascii("abc") },
  },
  {
    name: "DATA of no bytes",
    bytes: ascii("\0\x03\0\x01"),
    packet: { opcode: Opcode.DATA, block: 1, data: new Uint8Array() },
  },
  { name: "ACK", bytes: ascii("\0\x04\x01\x02"), packet: { opcode: Opcode.ACK, block: 258 } },
  {
    name: "ERROR",
    bytes: ascii("\0\x05\0\x08no\0"),
    packet: { opcode: Opcode.ERROR, code: 8, text: "no" },
  },
  {
    name: "OACK",
    bytes: ascii("\0\x06blksize\x001432\0"),
    packet: { opcode: Opcode.OACK, options: [{ name: "blksize", value: "1432" }] },
  },
];

describe("RFC 1350, RFC 2347: packets", () => {
  test.each(samples)("$name: bytes to value and back", ({ bytes, packet }) => {
    expect(decode(bytes)).toEqual(packet);
    expect(encode(packet)).toEqual(bytes);
  });

  test("every datagram of every captured boot decodes, and encodes to the same bytes", () => {
    const opcodes = new Set<number>();
    for (const { bytes } of allTftpFrames) {
      const packet = decoded(bytes);
      opcodes.add(packet.opcode);
      expect(encode(packet)).toEqual(bytes);
    }
    expect(allTftpFrames.length).toBeGreaterThan(500);
    expect([...opcodes].sort()).toEqual([1, 3, 4, 5, 6]);
  });

  test("a request cut short is rejected, unless the cut falls between two options", () => {
    const bytes = samples[1]?.bytes ?? ascii("");
    const whole = new Set<number>();
    for (let length = 0; length < bytes.length; length += 1) {
      if (!isMalformed(decode(bytes.subarray(0, length)))) whole.add(length);
    }
    const after = ["OCTET", "TSize\x000", "blksize\x001468"];
    const text = Buffer.from(bytes).toString("latin1");
    expect([...whole]).toEqual(after.map((part) => text.indexOf(part) + part.length + 1));
  });

  test("ACK and ERROR cut short are rejected; DATA cut in its data is a shorter DATA", () => {
    for (const { packet, bytes } of samples) {
      if (packet.opcode < Opcode.DATA || packet.opcode === Opcode.OACK) continue;
      for (let length = 0; length < bytes.length; length += 1) {
        const isShortData = packet.opcode === Opcode.DATA && length >= 4;
        expect(isMalformed(decode(bytes.subarray(0, length)))).toBe(!isShortData);
      }
    }
  });

  test.each([
    ["an opcode of 0", "\0\0a\0octet\0"],
    ["an opcode of 7", "\0\x07"],
    ["an ACK of 5 bytes", "\0\x04\0\x01\0"],
    ["an ERROR with bytes after its text", "\0\x05\0\x01no\0x"],
    ["an option without a value", "\0\x01a\0octet\0blksize\0"],
    ["a name that is no UTF-8", "\0\x01\xff\xfe\0octet\0"],
    ["a request of 513 bytes (RFC 2347: at most 512)", `\0\x01${"a".repeat(504)}\0octet\0`],
  ])("%s is malformed", (_, text) => {
    expect(isMalformed(decode(ascii(text)))).toBe(true);
  });

  test("a request of 512 bytes is taken", () => {
    expect(isMalformed(decode(ascii(`\0\x01${"a".repeat(503)}\0octet\0`)))).toBe(false);
  });

  test("a header written before data in place makes the same DATA packet", () => {
    const datagram = new Uint8Array(8).fill(0xa5);
    writeDataHeader(datagram, 513);
    expect(decode(datagram)).toEqual({
      opcode: Opcode.DATA,
      block: 513,
      data: new Uint8Array(4).fill(0xa5),
    });
  });

  test("mutated packets never throw, and what decodes is stable", () => {
    const mutated = fc
      .tuple(
        fc.constantFrom(...samples.map(({ bytes }) => bytes)),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 4 }),
        fc.nat(60),
      )
      .map(([bytes, changes, length]) => {
        const copy = Uint8Array.from(bytes);
        for (const [at, value] of changes) copy[at % copy.length] = value;
        return copy.subarray(0, Math.max(0, copy.length - (length > 30 ? length - 30 : 0)));
      });
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 600 })), (bytes) => {
        const packet = decode(bytes);
        if (isMalformed(packet)) return;
        expect(encode(packet)).toEqual(bytes);
      }),
      { numRuns: 5000 },
    );
  });
});
