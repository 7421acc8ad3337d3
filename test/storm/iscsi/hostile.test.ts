import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { TargetPdu } from "../../../src/iscsi/packet.ts";
import { Opcode } from "../../../src/iscsi/pdus/header.ts";
import { STORM_ISCSI_LOGIN_REQUESTS_MAX } from "../../../src/limits.ts";
import { TargetStream } from "../../../src/storm/iscsi/stream.ts";
import { readKeys } from "../../../src/storm/iscsi/text.ts";
import { captured } from "../../iscsi/captured.ts";
import { Wire } from "./wire.ts";

const fromTargets = captured.filter(({ isInitiator }) => !isInitiator).map(({ bytes }) => bytes);

/** PDUs and bytes of Data-In, or what was wrong. */
function read(chunks: readonly Uint8Array[]): {
  pdus: TargetPdu[];
  data: number;
  problem?: string;
} {
  const pdus: TargetPdu[] = [];
  let data = 0;
  let begun = 0;
  const stream = new TargetStream({
    data: () => {},
    piece: (bytes) => {
      begun += bytes.length;
    },
    pdu(pdu) {
      pdus.push(pdu);
      data += begun;
      begun = 0;
    },
  });
  for (const chunk of chunks) {
    const problem = stream.push(chunk);
    if (problem !== undefined) return { pdus, data, problem: problem.malformed };
  }
  return { pdus, data };
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  const count = Math.ceil(bytes.length / size);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

describe("what targets send", () => {
  test("real targets' streams are read whole, wherever they are cut", () => {
    for (const bytes of fromTargets) {
      const whole = read([bytes]);
      expect(whole.problem).toBeUndefined();
      expect(whole.pdus[0]?.opcode).toBe(Opcode.LOGIN_RESPONSE);
      for (const size of [1, 7, 48, 1000]) expect(read(cut(bytes, size))).toEqual(whole);
    }
  });

  test("data of Data-In is passed on to its last byte", () => {
    // As tshark counts whole ones: sums of iscsi.datasegmentlength where iscsi.opcode is 25h.
    const sums = fromTargets.map((bytes) => read([bytes]).data);
    expect(sums).toEqual([357_722, 357_722, 0, 0, 0, 8, 8]);
  });

  test("no stream, however odd, does more than break the connection", async () => {
    const [first = new Uint8Array(0)] = fromTargets;
    const beginning = first.subarray(0, 4000);
    const change = fc.record({
      at: fc.nat(beginning.length - 1),
      value: fc.integer({ min: 0, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
        const bytes = Buffer.from(beginning);
        for (const { at, value } of changes) bytes[at] = value;
        const wire = new Wire();
        void wire.node.login();
        wire.handler?.opened();
        for (const chunk of cut(bytes, 1400)) if (wire.isOpen) wire.receive(chunk);
        expect(wire.sent().length).toBeLessThan(100);
        wire.node.client.close();
      }),
      { numRuns: 200 },
    );
  });

  test("nor do random bytes in a session", async () => {
    const wire = await Wire.ready();
    void wire.node.read(0, 8);
    void wire.node.write(0, 8);
    wire.sent();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 48, maxLength: 200 }), async (bytes) => {
        bytes[0] = 0x20 + ((bytes[0] ?? 0) % 32);
        bytes[4] = bytes[5] = bytes[6] = 0;
        if (wire.isOpen) wire.receive(bytes);
        else {
          wire.clock.advance(4000);
          wire.accept("InitialR2T=No\0");
        }
        expect(wire.sent().length).toBeLessThan(50);
      }),
      { numRuns: 1000 },
    );
    wire.node.client.close();
  });

  test("a login that does not end ends, and is begun anew later", async () => {
    const wire = new Wire();
    void wire.node.login();
    wire.handler?.opened();
    for (let time = 0; time < 100 && wire.isOpen; time += 1) wire.login(0, 1, "");
    for (let time = 0; time < 100 && wire.isOpen; time += 1) wire.login(1, 1, "");
    expect(wire.sent().length).toBeLessThanOrEqual(STORM_ISCSI_LOGIN_REQUESTS_MAX);
    expect(wire.node.tally.complaints).toHaveLength(1);
  });

  test.each([
    ["HeaderDigest=CRC32C\0", "terms that were not offered"],
    ["MaxRecvDataSegmentLength=0\0", "terms that were not offered"],
    ["MaxBurstLength=16777215\0", "terms that were not offered"],
    ["FirstBurstLength=many\0", "terms that were not offered"],
    ["=\0", "a key without a value"],
  ])("a login that agrees to %j is none", (text, why) => {
    const wire = new Wire();
    void wire.node.login();
    wire.handler?.opened();
    wire.login(0, 1, "AuthMethod=None\0");
    wire.login(1, 3, text);
    expect(wire.node.tally.complaints).toEqual([`iscsi: login: ${why}`]);
    expect(wire.isOpen).toBe(false);
  });

  test("texts of a login never throw", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (text) => void readKeys(text)));
  });
});
