import { describe, expect, test } from "vitest";
import { bench, cdb10, cdb12, cdb16, GOOD, isSame, pattern, taken, told } from "./initiator.ts";

const MISCOMPARE = "e/1d/00";
const INVALID_FIELD = "5/24/00";
const OUT_OF_RANGE = "5/21/00";
/** BYTCHK in byte 1. */
const EACH = 0x02;
const RESERVED = 0x04;
const SAME = 0x06;

/** More than one piece that is looked at. */
const MANY = 1200;

const forms = [
  ["(10)", 0x2f, 0x2e, cdb10],
  ["(12)", 0xaf, 0xae, cdb12],
  ["(16)", 0x8f, 0x8e, cdb16],
] as const;

describe.each(forms)("SBC-3 §5.29: VERIFY%s", (_, VERIFY, __, form) => {
  test("without BYTCHK all of it is read, nothing is taken", () => {
    const { initiator, volume, disk } = bench({ blocks: MANY });
    expect(disk.dataOutWanted(Uint8Array.from(form(VERIFY, 0, 0, 9)))).toBe(0);
    expect(told(initiator.send(form(VERIFY, 0x10, 0, MANY)))).toBe(GOOD);
    expect(volume.calls).toEqual(["read", "read", "read"]);
    volume.failure = "io";
    expect(told(initiator.send(form(VERIFY, 0, 0, 1)))).toBe("3/11/00");
  });

  test("BYTCHK 01b: each block with its own, to the last byte", async () => {
    const { initiator, volume } = bench({ blocks: MANY });
    const data = pattern(MANY, 4);
    await volume.write(0, [data]);
    for (const [lba, count] of [
      [0, MANY],
      [7, 1],
      [MANY - 1, 1],
    ] as const) {
      const same = data.slice(lba * 512, (lba + count) * 512);
      const cdb = form(VERIFY, EACH, lba, count);
      const right = initiator.send(cdb, { data: same });
      expect([told(right), right.dataOutWanted]).toEqual([GOOD, count * 512]);
      for (const at of [0, 511, same.length - 1]) {
        const other = same.slice();
        other[at] = (other[at] ?? 0) ^ 0x10;
        const parts = [other.subarray(0, 300), other.subarray(300)];
        expect(told(initiator.send(cdb, { data: parts }))).toBe(MISCOMPARE);
      }
    }
  });

  test("BYTCHK 11b: each block with the one that is sent", () => {
    const { initiator, volume, disk } = bench({ blocks: MANY });
    volume.fill(0x5a);
    const data = new Uint8Array(512).fill(0x5a);
    const cdb = form(VERIFY, SAME, 0, MANY);
    expect(disk.dataOutWanted(Uint8Array.from(cdb))).toBe(512);
    expect(told(initiator.send(cdb, { data }))).toBe(GOOD);
    volume.content[MANY * 512 - 1] = 0;
    expect(told(initiator.send(cdb, { data }))).toBe(MISCOMPARE);
    expect(told(initiator.send(form(VERIFY, SAME, 0, MANY - 1), { data }))).toBe(GOOD);
  });

  test("BYTCHK 10b, VRPROTECT and blocks that are not there are refused", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    expect(told(initiator.send(form(VERIFY, RESERVED, 0, 1)))).toBe(INVALID_FIELD);
    for (let protect = 1; protect < 8; protect += 1) {
      const cdb = form(VERIFY, (protect << 5) | EACH, 0, 1);
      expect(told(initiator.send(cdb, { data: pattern(1, 0) }))).toBe(INVALID_FIELD);
    }
    for (const flags of [0, EACH, SAME]) {
      expect(told(initiator.send(form(VERIFY, flags, 65, 0)))).toBe(OUT_OF_RANGE);
      expect(told(initiator.send(form(VERIFY, flags, 63, 2)))).toBe(OUT_OF_RANGE);
      expect(told(initiator.send(form(VERIFY, flags, 0xffff_ffff, 1)))).toBe(OUT_OF_RANGE);
      expect(told(initiator.send(form(VERIFY, flags, 64, 0)))).toBe(GOOD);
    }
    expect(volume.calls).toEqual([]);
  });
});

describe.each(forms)("SBC-3 §5.37: WRITE AND VERIFY%s", (_, __, WRITE_AND_VERIFY, form) => {
  test("is on disk when it is answered, compared or not", () => {
    for (const flags of [0, EACH, 0x10]) {
      const { initiator, volume } = bench({ blocks: MANY });
      const data = pattern(MANY - 100, flags);
      const result = initiator.send(form(WRITE_AND_VERIFY, flags, 100, MANY - 100), { data });
      expect([told(result), result.dataOutWanted]).toEqual([GOOD, data.length]);
      volume.crash();
      const read = taken(initiator.send(cdb16(0x88, 0, 100, MANY - 100)));
      expect(isSame(read, data)).toBe(true);
    }
  });

  test("what the disk has made of it is told", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    const flush = volume.flush.bind(volume);
    volume.flush = () => {
      volume.content[1000] = 0x77;
      return flush();
    };
    const data = new Uint8Array(1024);
    expect(told(initiator.send(form(WRITE_AND_VERIFY, EACH, 0, 2), { data }))).toBe(MISCOMPARE);
  });

  test("no blocks, fewer blocks, wrong fields", () => {
    const { initiator } = bench({ blocks: 8 });
    expect(told(initiator.send(form(WRITE_AND_VERIFY, EACH, 0, 0)))).toBe(GOOD);
    expect(told(initiator.send(form(WRITE_AND_VERIFY, 0, 9, 0)))).toBe(OUT_OF_RANGE);
    const data = pattern(1, 3);
    const short = initiator.send(form(WRITE_AND_VERIFY, EACH, 0, 2), { data });
    expect([told(short), short.dataOutWanted]).toEqual([GOOD, 1024]);
    for (const flags of [RESERVED, SAME, 0x20, 0xe0]) {
      const result = initiator.send(form(WRITE_AND_VERIFY, flags, 0, 1), { data });
      expect(told(result)).toBe(INVALID_FIELD);
    }
  });
});
