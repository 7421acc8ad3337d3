import { describe, expect, test } from "vitest";
import { be, bench, cdb10, cdb12, cdb16, GOOD, isSame, pattern, taken, told } from "./initiator.ts";

const DPO = 0x10;
const FUA = 0x08;

/** [name, READ, WRITE, form] */
const forms = [
  ["(10)", 0x28, 0x2a, cdb10],
  ["(12)", 0xa8, 0xaa, cdb12],
  ["(16)", 0x88, 0x8a, cdb16],
] as const;

const OUT_OF_RANGE = "5/21/00";
const INVALID_FIELD = "5/24/00";

describe.each(forms)("SBC-3 §5.11, §5.33: READ%s and WRITE%s", (_, READ, WRITE, form) => {
  test("what is written is read, at once, from first to last block", () => {
    const { initiator, disk } = bench({ blocks: 300 });
    for (const [lba, count] of [
      [0, 1],
      [299, 1],
      [100, 200],
      [3, 9],
    ] as const) {
      const data = pattern(count, lba);
      const result = initiator.send(form(WRITE, 0, lba, count), { data });
      expect(told(result)).toBe(GOOD);
      expect(result.dataOutWanted).toBe(count * 512);
      const read = initiator.send(form(READ, 0, lba, count));
      expect(read.dataInBytes).toBe(count * 512);
      expect(isSame(taken(read), data)).toBe(true);
    }
    expect(disk.dataOutWanted(Uint8Array.from(form(WRITE, 0, 1, 5)))).toBe(2560);
    expect(disk.dataOutWanted(Uint8Array.from(form(READ, 0, 1, 5)))).toBe(0);
  });

  test("data in parts of any length is written as one", () => {
    const { initiator } = bench({ blocks: 16 });
    const data = pattern(4, 1);
    const cuts = [0, 1, 700, 701, 2000, 2048];
    const parts = cuts.slice(1).map((end, index) => data.subarray(cuts[index], end));
    expect(told(initiator.send(form(WRITE, 0, 2, 4), { data: parts }))).toBe(GOOD);
    expect(taken(initiator.send(form(READ, 0, 2, 4)))).toEqual(data);
  });

  test("no blocks are no error up to the end, and one beyond it", () => {
    const { initiator } = bench({ blocks: 64 });
    for (const opcode of [READ, WRITE]) {
      expect(told(initiator.send(form(opcode, 0, 0, 0)))).toBe(GOOD);
      expect(told(initiator.send(form(opcode, 0, 64, 0)))).toBe(GOOD);
      expect(told(initiator.send(form(opcode, 0, 65, 0)))).toBe(OUT_OF_RANGE);
    }
  });

  test("blocks beyond the end: LOGICAL BLOCK ADDRESS OUT OF RANGE, nothing is written", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    for (const [lba, count] of [
      [64, 1],
      [63, 2],
      [1, 64],
      [0x8000_0000, 1],
      [0xffff_ffff, 255],
    ] as const) {
      expect(told(initiator.send(form(READ, 0, lba, count)))).toBe(OUT_OF_RANGE);
      const data = pattern(count, 9);
      const result = initiator.send(form(WRITE, 0, lba, count), { data });
      expect(told(result)).toBe(OUT_OF_RANGE);
      expect(result.dataOutWanted).toBe(count * 512);
    }
    expect(volume.calls).toEqual([]);
  });

  test("protection information is not there: INVALID FIELD IN CDB, pointing to its first bit", () => {
    const { initiator } = bench({ blocks: 64 });
    for (let protect = 1; protect < 8; protect += 1) {
      const read = initiator.send(form(READ, protect << 5, 0, 1));
      expect(told(read)).toBe(INVALID_FIELD);
      // SPC-4 §4.5.2.4.2: SKSV, C/D, BPV and bit 7; byte 1.
      expect([...(read.sense ?? []).slice(15)]).toEqual([0xcf, 0, 1]);
      const data = pattern(1, 0);
      expect(told(initiator.send(form(WRITE, protect << 5, 0, 1), { data }))).toBe(INVALID_FIELD);
    }
  });

  test("FUA: on disk before GOOD; DPO means nothing", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    initiator.send(form(WRITE, DPO, 0, 1), { data: pattern(1, 1) });
    expect(volume.calls).toEqual(["write"]);
    initiator.send(form(WRITE, FUA | DPO, 1, 1), { data: pattern(1, 2) });
    expect(volume.calls).toEqual(["write", "write", "flush"]);
    volume.crash();
    expect(taken(initiator.send(form(READ, FUA | DPO, 1, 1)))).toEqual(pattern(1, 2));
  });

  test("fewer blocks than the CDB says are written, the residual is told; parts of a block are not", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    volume.fill(0x61);
    const short = initiator.send(form(WRITE, 0, 0, 2), { data: pattern(1, 3) });
    expect([told(short), short.dataOutWanted]).toEqual([GOOD, 1024]);
    expect(volume.content.subarray(0, 512)).toEqual(pattern(1, 3));
    expect(volume.content[512]).toBe(0x61);
    const none = initiator.send(form(WRITE, 0, 4, 1));
    expect([told(none), none.dataOutWanted]).toEqual([GOOD, 512]);
    const part = initiator.send(form(WRITE, 0, 4, 1), { data: new Uint8Array(200) });
    expect([told(part), part.dataOutWanted]).toEqual(["5/0e/03", 512]);
    const more = initiator.send(form(WRITE, 0, 6, 1), { data: pattern(2, 4) });
    expect([told(more), more.dataOutWanted]).toEqual([GOOD, 512]);
    expect(volume.content.subarray(6 * 512, 7 * 512)).toEqual(pattern(1, 4));
    expect(volume.content[7 * 512]).toBe(0x61);
  });

  test("more than MAXIMUM TRANSFER LENGTH: INVALID FIELD IN CDB", () => {
    const { initiator } = bench({ blocks: 20_000 });
    expect(told(initiator.send(form(READ, 0, 0, 8193)))).toBe(INVALID_FIELD);
    expect(told(initiator.send(form(WRITE, 0, 0, 8193)))).toBe(INVALID_FIELD);
    const most = initiator.send(form(READ, 0, 5, 8192));
    expect(most.dataInBytes).toBe(4 << 20);
    most.release?.();
  });
});

describe("READ(6) and WRITE(6)", () => {
  test("21 bits of address, no blocks are 256", () => {
    const { initiator } = bench({ blocks: 0x2_0100 });
    const data = pattern(256, 5);
    expect(told(initiator.send([0x0a, 0x02, 0x00, 0x00, 0, 0], { data }))).toBe(GOOD);
    const read = initiator.send([0x08, 0x02, 0x00, 0x00, 0, 0]);
    expect(isSame(taken(read), data)).toBe(true);
    expect(taken(initiator.send([0x08, 0x02, 0x00, 0x01, 3, 0]))).toEqual(
      data.subarray(512, 4 * 512),
    );
  });

  test("bits 5 to 7 of byte 1 mean nothing, nor does bit 3 force anything", () => {
    const { initiator, volume } = bench({ blocks: 0x8_0001 });
    const data = pattern(1, 6);
    expect(told(initiator.send([0x0a, 0xe8, 0x00, 0x00, 1, 0], { data }))).toBe(GOOD);
    expect(volume.calls).toEqual(["write"]);
    expect(volume.content.subarray(0x8_0000 * 512)).toEqual(data);
  });
});

test("addresses of 64 bits that no disk has are out of range, wrapped or not", () => {
  const { initiator } = bench({ blocks: 64 });
  for (const lba of [1n << 63n, (1n << 64n) - 1n, 1n << 53n, (1n << 32n) + 1n]) {
    for (const opcode of [0x88, 0x8a, 0x8f, 0x8e, 0x8b, 0x90, 0x91]) {
      for (const count of [0, 1, 2]) {
        expect(told(initiator.send(cdb16(opcode, 0, lba, count)))).toBe(OUT_OF_RANGE);
      }
    }
    expect(told(initiator.send(cdb16(0x93, 0x01, lba, 1)))).toBe(OUT_OF_RANGE);
    const status = [0x9e, 0x12, ...be(lba, 8), 0, 0, 0, 24, 0, 0];
    expect(told(initiator.send(status))).toBe(OUT_OF_RANGE);
  }
});

describe("what fails below is told by its kind", () => {
  const data = pattern(1, 0);
  const write = cdb10(0x2a, 0, 0, 1);

  test.each([
    ["no-space", "7/27/07", "7/27/07"],
    ["io", "3/11/00", "3/0c/00"],
    ["read-only", "7/27/00", "7/27/00"],
    ["gone", "4/44/00", "4/44/00"],
  ] as const)("%s", async (failure, whenRead, whenWritten) => {
    for (const later of [undefined, async () => {}]) {
      const { initiator, volume } = bench({ blocks: 8, ...(later && { later }) });
      volume.failure = failure;
      const read = await initiator.execute(cdb10(0x28, 0, 0, 1));
      expect(told(read)).toBe(whenRead);
      expect(read.release).toBe(undefined);
      expect(told(await initiator.execute(write, { data }))).toBe(whenWritten);
      expect(told(await initiator.execute(cdb10(0x35, 0, 0, 0)))).toBe(whenWritten);
      expect(told(await initiator.execute(cdb10(0x41, 8, 0, 1), { data }))).toBe(whenWritten);
      volume.failure = undefined;
      expect(told(await initiator.execute(write, { data }))).toBe(GOOD);
    }
  });

  test("a flush that fails after a write with FUA is no GOOD", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    const flush = volume.flush.bind(volume);
    volume.flush = () => {
      volume.failure = "io";
      return flush();
    };
    expect(told(initiator.send(cdb10(0x2a, FUA, 0, 1), { data }))).toBe("3/0c/00");
  });

  test("a volume that is read-only: WRITE PROTECTED, whichever way it is written", () => {
    const { initiator, volume } = bench({ blocks: 8, isReadOnly: true });
    for (const opcode of [0x2a, 0x2e, 0x41]) {
      expect(told(initiator.send(cdb10(opcode, 0, 0, 1), { data }))).toBe("7/27/00");
    }
    for (const opcode of [0x8a, 0x8b, 0x8e, 0x93]) {
      expect(told(initiator.send(cdb16(opcode, 0, 0, 1), { data }))).toBe("7/27/00");
    }
    const compare = [0x89, 0, ...be(0, 8), 0, 0, 0, 1, 0, 0];
    expect(told(initiator.send(compare, { data: pattern(2, 0) }))).toBe("7/27/00");
    const unmap = [0x42, 0, 0, 0, 0, 0, 0, 0, 8, 0];
    expect(told(initiator.send(unmap, { data: new Uint8Array(8) }))).toBe("7/27/00");
    expect(told(initiator.send(cdb10(0x28, 0, 0, 1)))).toBe(GOOD);
    expect(volume.calls).toEqual(["read"]);
  });
});

describe("what synchronizes", () => {
  test("SBC-3 §5.26: SYNCHRONIZE CACHE flushes, for blocks that there are", () => {
    for (const opcode of [0x35, 0x91]) {
      const { initiator, volume } = bench({ blocks: 8 });
      const form = opcode === 0x35 ? cdb10 : cdb16;
      initiator.send(cdb10(0x2a, 0, 0, 1), { data: pattern(1, 1) });
      expect(told(initiator.send(form(opcode, 0, 0, 0)))).toBe(GOOD);
      expect(told(initiator.send(form(opcode, 0x02, 2, 6)))).toBe(GOOD);
      expect(told(initiator.send(form(opcode, 0, 2, 7)))).toBe(OUT_OF_RANGE);
      expect(volume.calls).toEqual(["write", "flush", "flush"]);
      volume.crash();
      expect(volume.content.subarray(0, 512)).toEqual(pattern(1, 1));
    }
  });

  test("SBC-3 §5.8: PRE-FETCH reads it, CONDITION MET; GOOD where it is too much", () => {
    for (const opcode of [0x34, 0x90]) {
      const { initiator, volume } = bench({ blocks: 10_000 });
      const form = opcode === 0x34 ? cdb10 : cdb16;
      expect(told(initiator.send(form(opcode, 0, 9000, 1000)))).toBe("status 04");
      expect(volume.calls.length).toBeGreaterThan(0);
      expect(told(initiator.send(form(opcode, 0x02, 9999, 0)))).toBe("status 04");
      expect(told(initiator.send(form(opcode, 0, 0, 0)))).toBe(GOOD);
      expect(told(initiator.send(form(opcode, 0, 10_000, 0)))).toBe("status 04");
      expect(told(initiator.send(form(opcode, 0, 10_001, 0)))).toBe(OUT_OF_RANGE);
      expect(told(initiator.send(form(opcode, 0, 9000, 1001)))).toBe(OUT_OF_RANGE);
    }
  });
});
