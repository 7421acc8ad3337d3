import { describe, expect, test } from "vitest";
import type { Result } from "../../src/scsi/command.ts";
import {
  be,
  bench,
  cdb10,
  cdb16,
  GOOD,
  Initiator,
  isSame,
  padded,
  pattern,
  taken,
  told,
} from "./initiator.ts";

const MISCOMPARE = "e/1d/00";
const INVALID_FIELD = "5/24/00";
const OUT_OF_RANGE = "5/21/00";

function compareCdb(lba: number | bigint, count: number, flags = 0): number[] {
  return [0x89, flags, ...be(lba, 8), 0, 0, 0, count, 0, 0];
}

/** Answers come after this many turns, each time another number: a disk of moods. */
function moody(seed: number): () => Promise<void> {
  let state = seed;
  return async () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    for (let turns = (state >>> 16) % 7; turns > 0; turns -= 1) await undefined;
  };
}

describe("SBC-3 §5.2: COMPARE AND WRITE", () => {
  test("writes where all is as it is said to be, at either end and up to 255 blocks", () => {
    const { initiator, volume, disk } = bench({ blocks: 300 });
    for (const [lba, count] of [
      [0, 1],
      [0, 255],
      [45, 255],
      [299, 1],
    ] as const) {
      volume.fill(0x41);
      const before = new Uint8Array(count * 512).fill(0x41);
      const after = pattern(count, count);
      const cdb = compareCdb(lba, count);
      expect(disk.dataOutWanted(padded(cdb))).toBe(count * 1024);
      const data = Buffer.concat([before, after]);
      const result = initiator.send(cdb, { data: [data.subarray(0, 700), data.subarray(700)] });
      expect([told(result), result.dataOutWanted]).toEqual([GOOD, count * 1024]);
      const read = taken(initiator.send(cdb16(0x88, 0, lba, count)));
      expect(isSame(read, after)).toBe(true);
    }
  });

  test("MISCOMPARE tells the offset of the first byte that differs, and writes nothing", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    volume.fill(0x41);
    for (const at of [0, 1, 511, 512, 1023]) {
      const data = new Uint8Array(2048).fill(0x41, 0, 1024).fill(0x42, 1024);
      data.fill(0x43, at, 1024);
      const result = initiator.send(compareCdb(1, 2), { data });
      expect(told(result)).toBe(MISCOMPARE);
      // SPC-4 §4.5.3: VALID, current; INFORMATION.
      expect(result.sense?.[0]).toBe(0xf0);
      expect([...(result.sense ?? []).slice(3, 7)]).toEqual(be(at, 4));
    }
    expect(volume.content.every((byte) => byte === 0x41)).toBe(true);
  });

  test("data of another length is no such command; 256 blocks are none in its byte", () => {
    const { initiator, volume } = bench({ blocks: 600 });
    for (const [count, blocks] of [
      [1, 4],
      [1, 1],
      [2, 0],
      [0, 512],
    ] as const) {
      const data = new Uint8Array(blocks * 512);
      expect(told(initiator.send(compareCdb(0, count), { data }))).toBe(INVALID_FIELD);
    }
    expect(told(initiator.send(compareCdb(0, 0)))).toBe(GOOD);
    expect(volume.calls).toEqual([]);
  });

  test("FUA, protection, the end", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    const data = new Uint8Array(1024);
    initiator.send(compareCdb(0, 1, 0x18), { data });
    expect(volume.calls).toEqual(["read", "write", "flush"]);
    expect(told(initiator.send(compareCdb(0, 1, 0x20), { data }))).toBe(INVALID_FIELD);
    for (const lba of [8n, 9n, 1n << 63n, (1n << 64n) - 1n]) {
      expect(told(initiator.send(compareCdb(lba, 1), { data }))).toBe(OUT_OF_RANGE);
    }
  });

  test("a lock that twenty initiators fight for is held by one at a time", async () => {
    for (const seed of [1, 2, 3]) {
      const { disk, volume } = bench({ blocks: 16, later: moody(seed) });
      const wins = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const initiator = new Initiator(disk, `node${index}`);
          let won = 0;
          while (won < 3) {
            const before = taken(await initiator.execute(cdb10(0x28, 0, 3, 1)));
            const after = before.slice();
            const view = new DataView(after.buffer);
            view.setUint32(0, view.getUint32(0) + 1);
            after.fill(index, 4);
            const data = [before, after];
            const result = await initiator.execute(compareCdb(3, 1), { data });
            if (told(result) === GOOD) won += 1;
            else expect(told(result)).toBe(MISCOMPARE);
          }
          return won;
        }),
      );
      const total = wins.reduce((sum, won) => sum + won, 0);
      expect(Buffer.from(volume.content).readUInt32BE(3 * 512)).toBe(total);
    }
  });
});

describe("SBC-3 §5.5: ORWRITE(16)", () => {
  test("sets bits and clears none, over more than one piece", () => {
    const { initiator, volume } = bench({ blocks: 1200 });
    volume.fill(0x0f);
    const data = pattern(1190, 1);
    const parts = [data.subarray(0, 100_001), data.subarray(100_001)];
    const result = initiator.send(cdb16(0x8b, 0, 7, 1190), { data: parts });
    expect([told(result), result.dataOutWanted]).toEqual([GOOD, data.length]);
    const expected = new Uint8Array(1200 * 512).fill(0x0f);
    for (const [at, byte] of data.entries()) expected[7 * 512 + at] = 0x0f | byte;
    expect(isSame(volume.content, expected)).toBe(true);
  });

  test("FUA, no blocks, protection, the end, more than can be transferred", () => {
    const { initiator, volume } = bench({ blocks: 20_000 });
    initiator.send(cdb16(0x8b, 0x18, 0, 1), { data: pattern(1, 0) });
    expect(volume.calls).toEqual(["read", "write", "flush"]);
    expect(told(initiator.send(cdb16(0x8b, 0, 0, 0)))).toBe(GOOD);
    expect(told(initiator.send(cdb16(0x8b, 0x20, 0, 1)))).toBe(INVALID_FIELD);
    expect(told(initiator.send(cdb16(0x8b, 0, 20_001, 0)))).toBe(OUT_OF_RANGE);
    expect(told(initiator.send(cdb16(0x8b, 0, 19_999, 2)))).toBe(OUT_OF_RANGE);
    expect(told(initiator.send(cdb16(0x8b, 0, 0, 8193)))).toBe(INVALID_FIELD);
  });

  test("bits that many set at once are all set", async () => {
    for (const seed of [4, 5, 6]) {
      const { disk, volume } = bench({ blocks: 8, later: moody(seed) });
      const results: (Result | Promise<Result>)[] = [];
      const all = Array.from({ length: 64 }, (_, bit) => new Initiator(disk, `node${bit}`));
      for (const [bit, initiator] of all.entries()) {
        const data = new Uint8Array(512);
        data[bit >> 3] = 1 << (bit & 7);
        results.push(initiator.execute(cdb16(0x8b, 0, 2, 1), { data }));
      }
      for (const result of await Promise.all(results)) expect(told(result)).toBe(GOOD);
      expect([...volume.content.subarray(1024, 1033)]).toEqual([...Array(8).fill(0xff), 0]);
    }
  });
});

test("WRITE AND VERIFY does not see what others write to the same blocks meanwhile", async () => {
  const { disk } = bench({ blocks: 8, later: moody(9) });
  const results: (Result | Promise<Result>)[] = [];
  const all = Array.from({ length: 60 }, (_, round) => new Initiator(disk, `node${round}`));
  for (const [round, initiator] of all.entries()) {
    const data = pattern(2, round);
    const cdb = round % 3 === 0 ? cdb10(0x2e, 0x02, 1, 2) : cdb10(0x2a, 0, 1, 2);
    results.push(initiator.execute(cdb, { data }));
  }
  for (const result of await Promise.all(results)) expect(told(result)).toBe(GOOD);
});
