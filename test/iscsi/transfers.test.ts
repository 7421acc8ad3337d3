import { describe, expect, test } from "vitest";
import type { Pdu } from "../../src/iscsi/packet.ts";
import { Opcode } from "../../src/iscsi/pdus/header.ts";
import { Bench, BLOCK, type Initiator, pattern, rw10 } from "./initiator.ts";

/** Data of SCSI commands, both ways. */

const UNSOLICITED = { InitialR2T: "No", FirstBurstLength: "2048", MaxBurstLength: "4096" };

function dataOf(pdus: readonly Pdu[]): Uint8Array {
  const parts = pdus.flatMap((pdu) => (pdu.opcode === Opcode.DATA_IN ? pdu.data : []));
  return Uint8Array.from(Buffer.concat(parts));
}

/** Status, residual count, sense key and additional sense. */
function endOf(pdus: readonly Pdu[]) {
  const last = pdus.at(-1);
  if (last?.opcode === Opcode.DATA_IN) return { status: last.status, residual: last.residual };
  if (last?.opcode !== Opcode.SCSI_RESPONSE) throw new Error(JSON.stringify(last));
  const { status, residual, data } = last;
  if (data.length === 0) return { status, residual };
  return { status, residual, sense: [data[4], data[14], data[15]] };
}

const GOOD = { status: 0, residual: 0 };

describe("RFC 7143 §11.7 Data-In", () => {
  test("status comes with the data, both in one write, and the data is given back when it left", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    bench.volume.content.set(pattern(BLOCK * 8), BLOCK * 3);
    const writes = initiator.wire.writes.length;
    initiator.read(3, 8);
    const pdus = await initiator.received();
    expect(pdus).toMatchObject([{ opcode: 0x25, final: true, status: 0, dataSn: 0, offset: 0 }]);
    expect(dataOf(pdus)).toEqual(pattern(BLOCK * 8));
    expect(initiator.wire.writes).toHaveLength(writes + 1);
    expect(initiator.wire.sent).toHaveLength(1);
  });

  test("commands that come together are answered together", async () => {
    const initiator = await new Bench().login();
    const writes = initiator.wire.writes.length;
    const reads = Array.from({ length: 32 }, (_, block) =>
      initiator.commandPdu({ cdb: rw10(0x28, block, 8), read: true, expectedBytes: 8 * BLOCK }),
    );
    initiator.send(...reads);
    expect(await initiator.received()).toHaveLength(32);
    expect(initiator.wire.writes).toHaveLength(writes + 1);
  });

  test("is cut to what the initiator takes in one PDU, and to bursts", async () => {
    const bench = new Bench();
    const initiator = await bench.login({
      MaxRecvDataSegmentLength: "1024",
      MaxBurstLength: "2560",
    });
    bench.volume.content.set(pattern(BLOCK * 11));
    initiator.read(0, 11);
    const pdus = await initiator.received();
    const cut = pdus.map((pdu) =>
      pdu.opcode === Opcode.DATA_IN ? [pdu.offset, pdu.dataSn, pdu.final, pdu.status] : [],
    );
    expect(cut).toEqual([
      [0, 0, false, undefined],
      [1024, 1, false, undefined],
      [2048, 2, true, undefined],
      [2560, 3, false, undefined],
      [3584, 4, false, undefined],
      [4608, 5, true, undefined],
      [5120, 6, true, 0],
    ]);
    expect(dataOf(pdus)).toEqual(pattern(BLOCK * 11));
  });

  test("what one command reads does not overwrite what another one's last, short PDU leaves behind", async () => {
    const bench = new Bench();
    const initiator = await bench.login({ MaxRecvDataSegmentLength: "8192" });
    bench.volume.content.set(pattern(BLOCK * 200));
    initiator.send(
      ...[0, 100].map((block) =>
        initiator.commandPdu({ cdb: rw10(0x28, block, 17), read: true, expectedBytes: 17 * BLOCK }),
      ),
    );
    const pdus = await initiator.received();
    expect(dataOf(pdus.slice(0, 2))).toEqual(pattern(BLOCK * 17));
    expect(dataOf(pdus.slice(2))).toEqual(pattern(BLOCK * 200).subarray(BLOCK * 100, BLOCK * 117));
  });

  test("no more is read than the initiator has room for", async () => {
    const bench = new Bench();
    const initiator = await bench.login();
    bench.volume.content.set(pattern(BLOCK * 8));
    const read: number[] = [];
    const { volume } = bench;
    const reading = volume.read.bind(volume);
    volume.read = (offset, into) => {
      read.push(into.length);
      return reading(offset, into);
    };
    initiator.command({ cdb: rw10(0x28, 0, 64), read: true, expectedBytes: 700 });
    const pdus = await initiator.received();
    expect(endOf(pdus)).toEqual({ status: 0, residual: 700 - 64 * BLOCK });
    expect(dataOf(pdus)).toEqual(pattern(BLOCK * 8).subarray(0, 700));
    initiator.command({ cdb: rw10(0x28, 0, 64) });
    expect(endOf(await initiator.received())).toEqual({ status: 0, residual: -64 * BLOCK });
    expect(read).toEqual([1024]);
  });

  test("§11.4.5: more or less than was expected", async () => {
    const initiator = await new Bench().login();
    initiator.read(0, 2, { expectedBytes: 1536 });
    expect(endOf(await initiator.received())).toEqual({ status: 0, residual: 512 });
    initiator.read(0, 2, { expectedBytes: 100 });
    const over = await initiator.received();
    expect([endOf(over), dataOf(over).length]).toEqual([{ status: 0, residual: -924 }, 100]);
    initiator.read(0, 2, { expectedBytes: 0, read: false });
    expect(endOf(await initiator.received())).toEqual({ status: 0, residual: -1024 });
  });

  test("§11.4.7: sense data comes in a response", async () => {
    const initiator = await new Bench().login();
    initiator.command({ cdb: [0xff], read: true, expectedBytes: 64 });
    const sense = [5, 0x20, 0];
    expect(endOf(await initiator.received())).toEqual({ status: 2, residual: 64, sense });
  });
});

describe("RFC 7143 §11.7, §11.8 Data-Out", () => {
  async function begun(keys: Readonly<Record<string, string>> = UNSOLICITED) {
    const bench = new Bench();
    return { bench, initiator: await bench.login(keys) };
  }

  test("all of it with the command", async () => {
    const { bench, initiator } = await begun();
    initiator.write(5, 2, { data: pattern(1024) });
    expect(endOf(await initiator.received())).toEqual(GOOD);
    expect(bench.volume.content.subarray(5 * BLOCK, 7 * BLOCK)).toEqual(pattern(1024));
  });

  test("with the command, unasked, and then what R2Ts ask for, burst after burst", async () => {
    const { bench, initiator } = await begun();
    const data = pattern(12_288);
    const tag = initiator.write(0, 24, { final: false, data: data.subarray(0, 512) });
    initiator.dataOut(tag, { final: false, offset: 512 }, data.subarray(512, 1024));
    initiator.dataOut(tag, { dataSn: 1, offset: 1024 }, data.subarray(1024, 2048));
    const asked: number[][] = [];
    for (let at = 2048; at < data.length; ) {
      const [r2t] = await initiator.received();
      if (r2t?.opcode !== Opcode.R2T) throw new Error("no R2T");
      asked.push([r2t.r2tSn, r2t.offset, r2t.desiredBytes]);
      const { targetTransferTag, offset, desiredBytes } = r2t;
      at = offset + desiredBytes;
      const fields = { targetTransferTag, final: false, offset };
      initiator.dataOut(tag, fields, data.subarray(offset, offset + 1000));
      const rest = { targetTransferTag, dataSn: 1, offset: offset + 1000 };
      initiator.dataOut(tag, rest, data.subarray(offset + 1000, at));
    }
    expect(asked).toEqual([
      [0, 2048, 4096],
      [1, 6144, 4096],
      [2, 10_240, 2048],
    ]);
    expect(endOf(await initiator.received())).toEqual(GOOD);
    expect(bench.volume.content.subarray(0, data.length)).toEqual(data);
  });

  test("§13.17: several R2Ts at once, answered in their order", async () => {
    const { bench, initiator } = await begun({ MaxBurstLength: "512", MaxOutstandingR2T: "3" });
    const data = pattern(2048);
    const tag = initiator.write(0, 4);
    let r2ts = await initiator.received();
    expect(r2ts).toHaveLength(3);
    for (
      let answered = 0;
      answered < 4;
      r2ts = [...r2ts.slice(1), ...(await initiator.received())]
    ) {
      const [r2t] = r2ts;
      if (r2t?.opcode !== Opcode.R2T) throw new Error("no R2T");
      const { targetTransferTag, offset } = r2t;
      initiator.dataOut(tag, { targetTransferTag, offset }, data.subarray(offset, offset + 512));
      answered += 1;
    }
    expect(endOf(r2ts)).toEqual(GOOD);
    expect(bench.volume.content.subarray(0, 2048)).toEqual(data);
  });

  test("§11.4.5: a command that takes less, more, or nothing", async () => {
    const { initiator } = await begun();
    initiator.write(0, 1, { expectedBytes: 1024, data: pattern(1024) });
    expect(endOf(await initiator.received())).toEqual({ status: 0, residual: 512 });
    initiator.write(0, 3, { expectedBytes: 1024, data: pattern(1024) });
    expect((await initiator.received()).at(-1)).toMatchObject({ residual: -512 });
    initiator.command({ cdb: [0x00], write: true, expectedBytes: 4096 });
    expect(endOf(await initiator.received())).toEqual({ status: 0, residual: 4096 });
  });

  const ABORTED = 0x0b;
  const wrong: [string, (initiator: Initiator) => void, number[]][] = [
    [
      "DataSN out of order",
      (initiator) => {
        const tag = initiator.write(0, 4, { final: false, data: pattern(512) });
        initiator.dataOut(tag, { dataSn: 1, offset: 512 }, pattern(512));
      },
      [ABORTED, 0x47, 0x05],
    ],
    [
      "a hole",
      (initiator) => {
        const tag = initiator.write(0, 4, { final: false, data: pattern(512) });
        initiator.dataOut(tag, { offset: 1024 }, pattern(512));
      },
      [ABORTED, 0x47, 0x05],
    ],
    [
      "more unasked data than the first burst",
      (initiator) => {
        const tag = initiator.write(0, 8, { final: false, data: pattern(1024) });
        initiator.dataOut(tag, { offset: 1024 }, pattern(1536));
      },
      [ABORTED, 0x0c, 0x0c],
    ],
    [
      "more immediate data than the first burst",
      (initiator) => initiator.write(0, 8, { data: pattern(2560) }),
      [ABORTED, 0x0c, 0x0c],
    ],
    [
      "more data than the command has",
      (initiator) => initiator.write(0, 1, { data: pattern(1024) }),
      [ABORTED, 0x0c, 0x0c],
    ],
    [
      "data with a command that has none",
      (initiator) => initiator.command({ cdb: [0x00], data: pattern(4) }),
      [ABORTED, 0x0c, 0x0c],
    ],
  ];
  test.each(wrong)("§11.4.7.2: %s", async (_, act, sense) => {
    const { bench, initiator } = await begun();
    act(initiator);
    expect(endOf(await initiator.received())).toMatchObject({ status: 2, sense });
    expect(bench.volume.content.subarray(0, 8192).every((byte) => byte === 0)).toBe(true);
    initiator.nop();
    expect(await initiator.received()).toMatchObject([{ opcode: 0x20 }]);
  });

  test.each([
    ["less than an R2T asked for", 1024, [ABORTED, 0x0c, 0x0d]],
    ["more than an R2T asked for", 4608, [ABORTED, 0x0c, 0x0d]],
  ])("§11.4.7.2: %s", async (_, bytes, sense) => {
    const { initiator } = await begun();
    const tag = initiator.write(0, 16);
    const [r2t] = await initiator.received();
    if (r2t?.opcode !== Opcode.R2T) throw new Error("no R2T");
    const { targetTransferTag } = r2t;
    initiator.dataOut(tag, { targetTransferTag }, pattern(bytes));
    expect(endOf(await initiator.received())).toMatchObject({ status: 2, sense });
  });

  test("§13.10, §13.11: unasked data where InitialR2T is Yes, immediate data where it is No", async () => {
    const strict = await begun({ InitialR2T: "Yes", ImmediateData: "No" });
    strict.initiator.write(0, 1, { data: pattern(512) });
    const sense = [ABORTED, 0x0c, 0x0c];
    expect(endOf(await strict.initiator.received())).toMatchObject({ status: 2, sense });
    const tag = strict.initiator.write(0, 2, { final: false });
    strict.initiator.dataOut(tag, {}, pattern(512));
    expect(endOf(await strict.initiator.received())).toMatchObject({ status: 2, sense });
  });

  test("that no task waits for is passed over, that of another R2T rejected", async () => {
    const { bench, initiator } = await begun();
    initiator.dataOut(0x1234, {}, pattern(512));
    const tag = initiator.write(0, 16);
    await initiator.received();
    expect(bench.refusals).toEqual(["unexpected Data-Out"]);
    initiator.dataOut(tag, { targetTransferTag: 0x9999 }, pattern(512));
    expect(await initiator.received()).toMatchObject([{ opcode: 0x3f, reason: 9 }]);
  });

  test("more than a disk takes at once is not asked for: the disk refuses the command", async () => {
    const { initiator } = await begun();
    const cdb = [0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    initiator.command({ cdb, write: true, expectedBytes: 0xffff_ffff });
    expect(endOf(await initiator.received())).toMatchObject({ status: 2 });
  });

  test("is asked for only as far as memory goes, in the order of the commands", async () => {
    const { initiator } = await begun({ MaxBurstLength: "16776192" });
    const blocks = (4 << 20) / BLOCK;
    const tags = [0, 1, 2, 3, 4, 5].map(() => initiator.write(0, blocks));
    const first = await initiator.received();
    expect(first.map((pdu) => pdu.opcode === Opcode.R2T && pdu.initiatorTaskTag)).toEqual(
      tags.slice(0, 4),
    );
    initiator.manage(1, { referencedTaskTag: tags[0] ?? 0 });
    const then = await initiator.received();
    expect(then).toMatchObject([{ opcode: 0x31, initiatorTaskTag: tags[4] }, { opcode: 0x22 }]);
  });

  test("SAM-5 §8.9.3: an ordered command is not kept waiting by what those after it were asked for", async () => {
    const blocks = (4 << 20) / BLOCK;
    const bench = new Bench(32 << 20);
    const initiator = await bench.login({
      InitialR2T: "No",
      FirstBurstLength: "65536",
      MaxBurstLength: "16776192",
    });
    const tags = [initiator.write(0, 2048, { attribute: 2, final: false })];
    for (const at of [0, 1, 2, 3]) tags.push(initiator.write(at * blocks, blocks));
    initiator.dataOut(tags[0] ?? 0, { offset: 0 }, new Uint8Array(65_536));
    const ended: unknown[] = [];
    for (let pdus = await initiator.received(); pdus.length > 0; ) {
      for (const pdu of pdus) {
        if (pdu.opcode === Opcode.SCSI_RESPONSE) ended.push([pdu.initiatorTaskTag, pdu.status]);
        if (pdu.opcode === Opcode.R2T) answer(initiator, pdu);
      }
      pdus = await initiator.received();
    }
    expect(ended).toEqual(tags.map((tag) => [tag, 0]));
  });
});

/** All that an R2T asks for, in PDUs of 256 KiB. */
function answer(initiator: Initiator, r2t: Extract<Pdu, { opcode: typeof Opcode.R2T }>): void {
  const { initiatorTaskTag, targetTransferTag, offset: start, desiredBytes } = r2t;
  for (let at = 0, dataSn = 0; at < desiredBytes; dataSn += 1) {
    const bytes = Math.min(256 << 10, desiredBytes - at);
    const final = at + bytes === desiredBytes;
    const fields = { targetTransferTag, dataSn, offset: start + at, final };
    initiator.dataOut(initiatorTaskTag, fields, new Uint8Array(bytes));
    at += bytes;
  }
}
