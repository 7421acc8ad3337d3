import { expect, test } from "vitest";
import { hex, run, smallUnit, told } from "./small-unit.ts";

/**
 * What Linux's initiator asks a disk that it sees for the first time, in this order but for repetitions: out of
 * fixtures/packets/boots/b1-bios-iscsi, all but what is about the medium. Behind it, how much must come.
 */
const asked: readonly (readonly [cdb: string, bytes: number])[] = [
  ["120000002400", 36],
  ["120000004200", 66],
  ["120100000400", 4],
  ["120100000a00", 10],
  ["120100002400", 11],
  ["120180000400", 4],
  ["120180002800", 20],
  ["120183000400", 4],
  ["120183004c00", 0x4c],
  ["1201b0000400", 4],
  ["1201b0004000", 64],
  ["1201b1000400", 4],
  ["1201b1004400", 64],
  ["1201b2000400", 4],
  ["1201b2000800", 8],
  ["a0000000000000001000000000", 16],
  ["000000000000", 0],
  ["1a003f000400", 4],
  ["1a0008000400", 4],
  ["1a0008002000", 32],
  ["a30c011200000000000a0000", 10],
  ["12000000fe00", 96],
  ["12018000fe00", 20],
];

test("every question of a boot is answered, as long as it can be", () => {
  const unit = smallUnit();
  for (const [cdb, length] of asked) {
    const result = run(unit, cdb);
    expect([cdb, told(result), result.dataInBytes]).toEqual([cdb, "00", length]);
  }
});

test("Linux sees a write cache, FUA, UNMAP, and a disk that does not turn", () => {
  const unit = smallUnit();
  const caching = Buffer.from(hex(run(unit, "1a0008002000")), "hex");
  expect((caching[2] ?? 0) & 0x10).toBe(0x10);
  expect((caching[12 + 2] ?? 0) & 0x05).toBe(0x04);
  expect(hex(run(unit, "1201b2000800"))).toBe("00b2000400e40200");
  expect(hex(run(unit, "1201b1004400")).slice(8, 12)).toBe("0001");
});
