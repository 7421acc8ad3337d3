import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { Reader } from "../../src/bytes/reader.ts";
import { decodePdu, encodePdu, type Pdu } from "../../src/iscsi/packet.ts";
import { PduStream } from "../../src/iscsi/stream.ts";
import { captured } from "./captured.ts";

const NO_LIMIT = 1 << 24;

function pdusOf(bytes: Uint8Array): Pdu[] {
  const stream = new PduStream(NO_LIMIT);
  stream.push(bytes);
  const pdus: Pdu[] = [];
  for (let pdu = stream.next(); pdu !== undefined; pdu = stream.next()) {
    if (typeof pdu === "string" || isMalformed(pdu)) throw new Error(JSON.stringify(pdu));
    pdus.push(pdu);
  }
  return pdus;
}

/** Written as in RFC 7143 §11, byte after byte. */
function hex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}

function decoded(text: string): Pdu {
  const bytes = hex(text);
  const header = 48 + (bytes[4] ?? 0) * 4;
  const data = bytes.subarray(header);
  const pdu = decodePdu(new Reader(bytes).aim(0, header), data.length > 0 ? [data] : []);
  if (pdu === undefined || isMalformed(pdu)) throw new Error(JSON.stringify(pdu));
  return pdu;
}

describe("captures of open-iscsi, libiscsi and tgt", () => {
  test("hold as many PDUs of each kind as tshark finds", () => {
    const counts = new Map<string, number>();
    for (const { capture, bytes } of captured) {
      for (const { opcode } of pdusOf(bytes)) {
        const key = `${capture} ${opcode.toString(16).padStart(2, "0")}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    const boot = (name: string, commands: number) => [
      [`${name} 01`, commands],
      [`${name} 03`, 1],
      [`${name} 21`, 3],
      [`${name} 23`, 1],
      [`${name} 25`, 99],
    ];
    const libiscsi = [19, 1, 5, 1, 6, 4, 15, 1, 5, 1, 2, 4, 4];
    const opcodes = ["01", "02", "03", "04", "05", "06", "21", "22", "23", "24", "25", "26", "31"];
    expect([...counts].sort()).toEqual(
      [
        ...boot("b1-bios-iscsi", 103),
        ...boot("g2-uefi-iscsi-2boots", 102),
        ...opcodes.map((opcode, at) => [`../iscsi/libiscsi-tgt ${opcode}`, libiscsi[at]]),
      ].sort(),
    );
  });

  test("are encoded to the same bytes again", () => {
    for (const { bytes } of captured) {
      const again = Buffer.concat(pdusOf(bytes).map(encodePdu));
      expect(again.equals(bytes.subarray(0, again.length))).toBe(true);
      // The boots' captures end in the middle of something.
      expect(bytes.length - again.length).toBeLessThan(66_000);
    }
  });
});

describe("RFC 7143 §11, written by hand", () => {
  const cdb = "28 00 00000010 00 0008 00 000000000000";

  test("§11.3 SCSI command with immediate data", () => {
    const text = `01 a2 0000 00 000004 0001000000000000 00000007 00001000 00000009 00000005 ${cdb} 01020304`;
    expect(decoded(text)).toEqual({
      opcode: 1,
      immediate: false,
      final: true,
      read: false,
      write: true,
      attribute: 2,
      lun: 0x0001_0000_0000_0000n,
      initiatorTaskTag: 7,
      expectedBytes: 4096,
      cmdSn: 9,
      expStatSn: 5,
      cdb: hex(cdb),
      expectedReadBytes: undefined,
      data: [hex("01020304")],
    });
    expect(encodePdu(decoded(text))).toEqual(hex(text));
  });

  test("§11.2.2 AHS: an extended CDB of 18 bytes, and what a bidirectional command reads", () => {
    const ahs = "0003 01 00 aabb 0000 0005 02 00 00000200";
    const text = `41 e0 0000 04 000000 0000000000000000 00000007 00000200 00000009 00000005 ${cdb} ${ahs}`;
    const pdu = decoded(text);
    expect(pdu).toMatchObject({ immediate: true, expectedReadBytes: 512 });
    expect(pdu.opcode === 1 && pdu.cdb).toEqual(hex(`${cdb} aabb`));
    expect(encodePdu(pdu)).toEqual(hex(text));
  });

  test("§11.2.1.5: AHS with anything but a command, or of no known type, or too long, is malformed", () => {
    const command = (ahs: string) =>
      hex(
        `01 80 0000 01 000000 0000000000000000 00000007 00000000 00000009 00000005 ${cdb} ${ahs}`,
      );
    const nop = hex(`00 80 0000 01 000000 ${"00".repeat(44)}`);
    for (const bytes of [
      command("0001 3f 00"),
      command("0009 01 00"),
      command("0000 01 00"),
      nop,
    ]) {
      expect(decodePdu(new Reader(bytes), [])).toHaveProperty("malformed");
    }
  });

  test("§11.4 SCSI response with both residual counts and sense data", () => {
    const numbers = "00000001 00000002 00000041";
    const text = `21 92 0002 00 000008 0000000000000000 00000007 00000000 ${numbers} 00000003 00000200 00001000 0006 7000 0500 0000`;
    expect(decoded(text)).toMatchObject({
      response: 0,
      status: 2,
      statSn: 1,
      expCmdSn: 2,
      maxCmdSn: 0x41,
      expDataSn: 3,
      residual: 4096,
      readResidual: -512,
    });
    expect(encodePdu(decoded(text))).toEqual(hex(text));
  });

  test.each([
    [
      "§11.5 task management request",
      `42 85 0000 00 000000 0000000000000000 00000007 ffffffff 00000009 00000005 00000003 00000002 0000000000000000`,
      { function: 5, refCmdSn: 3, expDataSn: 2 },
    ],
    [
      "§11.7 Data-In with status",
      `25 83 0008 00 000000 0000000000000000 00000007 ffffffff 00000001 00000002 00000041 00000004 00002000 00000200`,
      { final: true, status: 8, residual: 512, dataSn: 4, offset: 8192 },
    ],
    [
      "§11.9 asynchronous message",
      `32 80 0000 00 000000 0000000000000000 ffffffff 00000000 00000001 00000002 00000041 01 00 0001 0002 0003 00000000`,
      { event: 1, parameters: [1, 2, 3] },
    ],
    [
      "§11.16 SNACK",
      `10 81 0000 00 000000 0000000000000000 00000007 ffffffff 00000000 00000005 0000000000000000 00000001 00000002`,
      { type: 1, begRun: 1, runLength: 2 },
    ],
    [
      "§11.17 reject",
      `3f 80 0500 00 000004 0000000000000000 ffffffff 00000000 00000001 00000002 00000041 00000006 0000000000000000 01020304`,
      { reason: 5, dataSn: 6 },
    ],
    [
      "§11.18 NOP-Out",
      `40 80 0000 00 000000 0000000000000000 ffffffff 00000003 00000009 00000005 ${"00".repeat(16)}`,
      { immediate: true, targetTransferTag: 3 },
    ],
    [
      "§11.19 NOP-In",
      `20 80 0000 00 000000 0000000000000000 00000007 ffffffff 00000001 00000002 00000041 ${"00".repeat(12)}`,
      { initiatorTaskTag: 7 },
    ],
  ])("%s", (_, text, expected) => {
    expect(decoded(text)).toMatchObject(expected);
    expect(encodePdu(decoded(text))).toEqual(hex(text));
  });

  test("§11.1: an opcode that is none", () => {
    expect(decodePdu(new Reader(hex(`1c ${"00".repeat(47)}`)), [])).toBeUndefined();
  });
});

test("whatever stands in a header is decoded or refused, and what is decoded stays what it is", () => {
  const header = fc.uint8Array({ minLength: 48, maxLength: 48 });
  const property = fc.property(header, fc.uint8Array({ maxLength: 64 }), (bytes, rest) => {
    const all = Uint8Array.from([...bytes, ...rest]);
    const end = Math.min(all.length, 48 + (all[4] ?? 0) * 4);
    const pdu = decodePdu(new Reader(all).aim(0, end), [rest]);
    if (pdu === undefined || isMalformed(pdu)) return;
    expect(pdusOf(encodePdu(pdu))).toEqual([pdu].map(withoutLooseEnds));
  });
  fc.assert(property, { numRuns: 2000 });
});

/** An empty data segment has no parts, and PDUs without one lose it. */
function withoutLooseEnds(pdu: Pdu): Pdu {
  if (!("data" in pdu) || pdu.data instanceof Uint8Array) return pdu;
  return { ...pdu, data: pdu.data.filter((part) => part.length > 0) } as Pdu;
}
