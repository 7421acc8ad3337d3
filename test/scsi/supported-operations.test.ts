import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Result } from "../../src/scsi/command.ts";
import { operations } from "../../src/scsi/operations.ts";
import { bytes, hex, run, smallUnit, table, told } from "./small-unit.ts";

/** SPC-4 §4.2.5.1: the length of a CDB by the group of its opcode. */
const lengths = [6, 10, 10, undefined, 16, 12];

function report(options: number, opcode = 0, action = 0): Result {
  const cdb = Uint8Array.of(0xa3, 0x0c, options, opcode, 0, action, 0, 0, 0xff, 0xff, 0, 0);
  return run(smallUnit(), cdb);
}

describe("the whole table of the disk", () => {
  test.each(operations.map((one) => [one.name, one] as const))(
    "SPC-4 §6.35.3: %s has usage data as long as its CDB, with opcode and service action",
    (_, { opcode, serviceAction, usage }) => {
      expect(usage).toHaveLength(lengths[opcode >> 5] ?? 0);
      expect(usage[0]).toBe(opcode);
      if (serviceAction !== undefined) expect((usage[1] ?? 0) & 0x1f).toBe(serviceAction);
    },
  );

  test("no command is there twice", () => {
    const keys = operations.map(({ opcode, serviceAction }) => `${opcode}/${serviceAction}`);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe("REPORT SUPPORTED OPERATION CODES", () => {
  test("SPC-4 §6.35.2: all of them, of eight bytes each", () => {
    const data = Buffer.from(hex(report(0)), "hex");
    expect(data.readUInt32BE(0)).toBe(8 * table.length);
    expect(data).toHaveLength(4 + 8 * table.length);
    const seen = table.map((_, at) => data.subarray(4 + 8 * at, 12 + 8 * at).toString("hex"));
    expect(seen).toContain("1200000000000006");
    expect(seen).toContain("5e00000300010" + "00a");
    expect(seen).toContain("a300000c0001000c");
  });

  test("SPC-4 §6.35.4: with RCTD, time-outs that promise nothing", () => {
    const data = Buffer.from(hex(report(0x80)), "hex");
    expect(data).toHaveLength(4 + 20 * table.length);
    for (let at = 4; at < data.length; at += 20) {
      expect((data[at + 5] ?? 0) & 0x02).toBe(0x02);
      expect(data.subarray(at + 8, at + 20).toString("hex")).toBe(`000a${"00".repeat(10)}`);
    }
    expect(hex(report(0x81, 0x00))).toBe(`00830006${"00".repeat(6)}000a${"00".repeat(10)}`);
  });

  test("SPC-4 §6.35.3: one of them, and one that is not there", () => {
    expect(hex(report(1, 0x12))).toBe("000300061201ffffff00");
    expect(hex(report(1, 0xc0))).toBe("00010000");
    expect(hex(report(2, 0x5e, 0x02))).toBe("0003000a5e020000000000ffff00");
    expect(hex(report(2, 0x5f, 0x07))).toBe("00010000");
    expect(hex(report(2, 0xc0, 0x01))).toBe("00010000");
    expect(hex(report(3, 0x12))).toBe("000300061201ffffff00");
    expect(hex(report(3, 0x12, 1))).toBe("00010000");
    expect(hex(report(3, 0x5e, 0x00))).toBe("0003000a5e000000000000ffff00");
  });

  test("SPC-4 table 254: asked for as what it is not", () => {
    expect(told(report(1, 0x5e))).toBe("02 5/24/00 c2.2");
    expect(told(report(2, 0x12))).toBe("02 5/24/00 c2.2");
    for (const options of [4, 5, 6, 7]) expect(told(report(options))).toBe("02 5/24/00 c2.2");
  });

  test("SPC-4 §6.35.3: bits that the usage data does not name change nothing, or are refused", () => {
    const flipped = fc.record({
      operation: fc.constantFrom(...table),
      noise: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      data: fc.constantFrom("", "00".repeat(24)),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(flipped, ({ operation, noise, data, at }) => {
        const { usage, serviceAction } = operation;
        const cdb = Uint8Array.from(usage, (bits, index) => {
          const isFixed = index === 0 || (index === 1 && serviceAction !== undefined);
          return isFixed ? bits : bits & (noise[index] ?? 0);
        });
        const free = usage.flatMap((bits, index) =>
          index === 0 || (index === 1 && serviceAction !== undefined)
            ? []
            : [0, 1, 2, 3, 4, 5, 6, 7]
                .filter((bit) => (bits & (1 << bit)) === 0)
                .map((bit) => [index, bit] as const),
        );
        const [index = 0, bit = 0] = free[at % free.length] ?? [];
        const other = Uint8Array.from(cdb, (byte, byteAt) =>
          byteAt === index ? byte | (1 << bit) : byte,
        );
        const plain = run(smallUnit(), cdb, { data });
        const changed = run(smallUnit(), other, { data });
        if (told(changed).startsWith("02 5/24/00")) return;
        expect([told(changed), hex(changed)]).toEqual([told(plain), hex(plain)]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", () => {
  test("SPC-4 §6.36: abort task and task set, clear task set, resets of unit and target", () => {
    expect(hex(run(smallUnit(), "a3 0d 00 000000 00001000 00 00"))).toBe("da000000");
    expect(hex(run(smallUnit(), "a3 0d 80 000000 00001000 00 00"))).toBe(
      `da00000c${"00".repeat(12)}`,
    );
    expect(told(run(smallUnit(), "a3 0d 00 000000 00000003 00 00"))).toBe("02 5/24/00 c6");
  });
});

test("whatever comes: an answer, and the data that it takes as it said before", () => {
  const anything = fc.record({
    operation: fc.constantFrom(...table),
    rest: fc.uint8Array({ minLength: 15, maxLength: 15 }),
    data: fc.uint8Array({ maxLength: 80 }),
    lun: fc.constantFrom(0, 1, 255),
  });
  const unit = smallUnit();
  fc.assert(
    fc.property(anything, ({ operation: { opcode, serviceAction, ...known }, rest, data, lun }) => {
      const cdb = Uint8Array.of(opcode, ...rest);
      if (serviceAction !== undefined) cdb[1] = serviceAction | ((cdb[1] ?? 0) & 0xe0);
      const result = run(unit, cdb, { data, lun });
      expect([0x00, 0x02, 0x18]).toContain(result.status);
      expect(result.status === 0x02).toBe(result.sense !== undefined);
      const length = result.dataIn.reduce((sum, part) => sum + part.length, 0);
      expect(result.dataInBytes).toBe(length);
      expect(result.dataOutWanted).toBe(known.dataOutWanted(cdb, unit));
    }),
    { numRuns: 5000 },
  );
});

test("the same after every byte of a parameter list is another", () => {
  const lists = [
    ["15 10 00 00 10 00", "00000000 0a0a0010000000 00ffff0000"],
    ["5f 06 00 0000 00000018 00", "00".repeat(24)],
  ] as const;
  for (const [cdb, list] of lists) {
    const data = bytes(list);
    for (let at = 0; at < data.length; at += 1) {
      for (let value = 0; value < 256; value += 1) {
        const other = Uint8Array.from(data);
        other[at] = value;
        expect(told(run(smallUnit(), cdb, { data: other }))).toMatch(
          /^(00|18|02 5\/(26|1a)\/00.*)$/,
        );
      }
      expect(told(run(smallUnit(), cdb, { data: data.subarray(0, at) }))).toBe("02 5/1a/00");
    }
  }
});
