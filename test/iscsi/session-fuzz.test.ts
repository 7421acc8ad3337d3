import fc from "fast-check";
import { expect, test } from "vitest";
import { Opcode } from "../../src/iscsi/pdus/header.ts";
import { Bench, type Initiator, pattern, settled } from "./initiator.ts";

/** Whatever an initiator sends after its login: nothing of ours breaks, and the next one finds a working server. */

const opcodes = Object.values(Opcode);

/** A header that is almost right: small tags and numbers near those that are expected, so that they meet. */
const header = fc
  .record({
    opcode: fc.oneof(fc.constantFrom(...opcodes), fc.nat({ max: 63 })),
    immediate: fc.boolean(),
    flags: fc.nat({ max: 255 }),
    ahsWords: fc.constantFrom(0, 0, 0, 1, 255),
    bytes: fc.constantFrom(0, 0, 1, 512, 513, 2048, 0x4_0001),
    lun: fc.constantFrom(0, 0, 0, 1),
    tag: fc.constantFrom(1, 2, 3, 0xffff_ffff),
    second: fc.constantFrom(0, 1, 2, 512, 1024, 4096, 0xffff_ffff),
    cmdSn: fc.nat({ max: 5 }),
    cdb: fc.constantFrom("28", "2a", "00", "12", "89", "a0", "41", "42", "93", "5f"),
    words: fc.array(fc.constantFrom(0, 0, 1, 2, 512, 0xffff_ffff), { minLength: 5, maxLength: 5 }),
    sent: fc.constantFrom(1, 1, 1, 0.5, 0),
  })
  .map((shape) => (initiator: Initiator) => {
    const bytes = Buffer.alloc(48);
    bytes[0] = shape.opcode | (shape.immediate ? 0x40 : 0);
    bytes[1] = shape.flags;
    bytes.writeUInt32BE(shape.ahsWords * 0x100_0000 + shape.bytes, 4);
    bytes[9] = shape.lun;
    bytes.writeUInt32BE(shape.tag, 16);
    bytes.writeUInt32BE(shape.second, 20);
    bytes.writeUInt32BE(initiator.cmdSn + shape.cmdSn, 24);
    if (!shape.immediate && shape.cmdSn === 0) initiator.cmdSn += 1;
    for (const [at, word] of shape.words.entries()) bytes.writeUInt32BE(word, 28 + at * 4);
    if (shape.opcode === Opcode.SCSI_COMMAND) bytes[32] = Number.parseInt(shape.cdb, 16);
    const padded = (shape.bytes + 3) & ~3;
    const rest = pattern(Math.floor((shape.ahsWords * 4 + padded) * shape.sent));
    initiator.push(bytes, rest);
  });

test("PDUs that are almost right", async () => {
  const property = fc.asyncProperty(
    fc.array(header, { minLength: 1, maxLength: 30 }),
    fc.boolean(),
    async (sends, isSlow) => {
      const bench = new Bench(1 << 20);
      const keys = { InitialR2T: "No", FirstBurstLength: "2048", MaxBurstLength: "2048" };
      const hostile = await bench.login(keys);
      bench.volume.isSlow = isSlow;
      for (const send of sends) send(hostile);
      await settled();
      bench.volume.isSlow = false;
      for (const answer of bench.volume.waiting.splice(0)) answer();
      hostile.wire.destroy();
      await settled();
      expect([...bench.sessions.all]).toEqual([]);
      expect([bench.opened, bench.reports]).toEqual([0, []]);
      const next = await bench.login();
      next.nop();
      expect(await next.received()).toMatchObject([{ opcode: Opcode.NOP_IN }]);
    },
  );
  await fc.assert(property, { numRuns: 150 });
}, 30_000);
