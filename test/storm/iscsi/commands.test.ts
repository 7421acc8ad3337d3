import { describe, expect, test } from "vitest";
import { STORM_ISCSI_TASK_BYTES_MAX } from "../../../src/limits.ts";
import {
  cdbOf,
  emptyUnmap,
  extentOf,
  operationName,
  placed,
} from "../../../src/storm/iscsi/commands.ts";

/** By hand from SBC-3 §5: READ(10), READ(12), READ(16), SYNCHRONIZE CACHE(10), WRITE SAME(16), READ CAPACITY(16), INQUIRY. */
const commands = [
  ["28000001020300000800", "READ(10)", { lba: 0x0001_0203, blocks: 8 }],
  ["a80000010203000000080000", "READ(12)", { lba: 0x0001_0203, blocks: 8 }],
  ["88000000000100000002000000080000", "READ(16)", { lba: 2 ** 32 + 2, blocks: 8 }],
  ["35000000000000000000", "SYNCHRONIZE CACHE(10)", { lba: 0, blocks: 0 }],
  ["93080000000000001000000000080000", "WRITE SAME(16)", { lba: 0x1000, blocks: 8 }],
  ["9e100000000000000000000000200000", "READ CAPACITY(16)", undefined],
  ["120000002400", "INQUIRY", undefined],
  ["c00000000000", "operation c0h", undefined],
] as const;

describe("SCSI commands of a trace", () => {
  test.each(commands)("%s is %s", (text, name, extent) => {
    const cdb = Buffer.from(text, "hex");
    expect(operationName(cdb)).toBe(name);
    expect(extentOf(cdb)).toEqual(extent);
  });

  test.each([
    ["28000001020300000800", 0x0002_0000, "28000001020300000800"],
    // 66,051 modulo 4,096 - 8 + 1 is 627, whose page begins at 624; 2^32 + 2 modulo it is 279: 272.
    ["28000001020300000800", 0x1000, "28000000027000000800"],
    ["28000001020300000800", 8, "28000000000000000800"],
    ["88000000000100000002000000080000", 0x1000, "88000000000000000110000000080000"],
  ])("%s on a volume of %i blocks is %s", (text, volume, expected) => {
    const cdb = Buffer.from(text, "hex");
    const extent = extentOf(cdb);
    if (extent === undefined) throw new Error("no extent");
    const moved = placed(cdb, extent, volume);
    expect(cdb.toString("hex")).toBe(expected);
    expect(moved).toEqual(extentOf(cdb));
    expect((moved?.lba ?? volume) + 8).toBeLessThanOrEqual(volume);
  });

  test("one that is longer than the volume has no place", () => {
    const cdb = Buffer.from("28000001020300000800", "hex");
    expect(placed(cdb, { lba: 0, blocks: 8 }, 7)).toBeUndefined();
  });

  test.each([
    ["", 0],
    ["28", 0],
    ["zz000001020300000800", 0],
    ["28".repeat(17), 0],
    ["28000001020300000800", STORM_ISCSI_TASK_BYTES_MAX + 1],
  ])("%j with %i bytes is none that is sent", (cdb, bytes) => {
    expect(cdbOf({ cdb, bytes, way: "in" })).toBeUndefined();
  });

  test("UNMAP has a list that is whole, of ranges without blocks (SBC-3 §5.28.2)", () => {
    expect(emptyUnmap(24).toString("hex")).toBe("00160010".padEnd(48, "0"));
    expect(emptyUnmap(4)).toEqual(Buffer.alloc(4));
  });
});
