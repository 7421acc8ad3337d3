import { describe, expect, test } from "vitest";
import { hex, run, smallUnit, told } from "./small-unit.ts";

const ascii = (text: string): string => Buffer.from(text, "ascii").toString("hex");

function page(code: string, room = "00ff"): Buffer {
  return Buffer.from(hex(run(smallUnit(), `12 01 ${code} ${room} 00`)), "hex");
}

describe("standard data", () => {
  test("SPC-4 §6.4.2: a disk, SPC-4, command queueing, names, versions of the standards", () => {
    const data = hex(run(smallUnit(), "12 00 00 00 60 00"));
    const expected = [
      "00 00 06 12 5b 00 00 02",
      ascii("SIDUS   "),
      ascii("VOLUME          "),
      ascii("0001"),
      "00".repeat(22),
      "00a0 0460 04c0 0960",
      "00".repeat(30),
    ].join("");
    expect(data).toBe(expected.replaceAll(" ", ""));
  });

  test.each([
    [0, 0],
    [4, 4],
    [5, 5],
    [36, 36],
    [96, 96],
    [254, 96],
    [255, 96],
    [256, 96],
    [511, 96],
    [512, 96],
    [4096, 96],
    [65535, 96],
  ])("SPC-4 §4.3.5.6: of %d bytes asked for, %d come, the same", (room, length) => {
    const all = hex(run(smallUnit(), "12 00 00 00 60 00"));
    const result = run(smallUnit(), `12 00 00 ${room.toString(16).padStart(4, "0")} 00`);
    expect(result.dataInBytes).toBe(length);
    expect(hex(result)).toBe(all.slice(0, 2 * length));
  });

  test("SPC-4 §6.4.1: a page code without EVPD, and CMDDT, are refused", () => {
    expect(told(run(smallUnit(), "12 00 01 01 00 00"))).toBe("02 5/24/00 c2");
    expect(told(run(smallUnit(), "12 02 00 00 24 00"))).toBe("02 5/24/00 c1.1");
    expect(told(run(smallUnit(), "12 03 00 00 24 00"))).toBe("02 5/24/00 c1.1");
  });

  test("SPC-4 §6.4.2: where no logical unit can be, qualifier 011b and type 1Fh", () => {
    const result = run(smallUnit(), "12 00 00 00 24 00", { lun: 1 });
    expect(result.dataIn[0]?.[0]).toBe(0x7f);
    const paged = run(smallUnit(), "12 01 00 00 24 00", { lun: 3 });
    expect(paged.dataIn[0]?.[0]).toBe(0x7f);
  });
});

describe("vital product data", () => {
  test("SPC-4 §7.8.12: the pages there are, in ascending order, each of which answers", () => {
    expect(page("00").toString("hex")).toBe("00000007008083" + "86b0b1b2");
    for (const code of ["00", "80", "83", "86", "b0", "b1", "b2"]) {
      const data = page(code);
      expect(data[1]).toBe(Number.parseInt(code, 16));
      expect(data.readUInt16BE(2)).toBe(data.length - 4);
    }
  });

  test("SPC-4 §6.4.1: other pages are refused", () => {
    const there = new Set([0x00, 0x80, 0x83, 0x86, 0xb0, 0xb1, 0xb2]);
    for (let code = 0; code < 256; code += 1) {
      if (there.has(code)) continue;
      const result = run(smallUnit(), Uint8Array.of(0x12, 1, code, 0, 0xff, 0));
      expect(told(result)).toBe("02 5/24/00 c2");
    }
  });

  test("Linux asks for four bytes first, for the length", () => {
    for (const code of ["00", "80", "83", "b0", "b1", "b2"]) {
      const first = page(code, "0004");
      expect(first.length).toBe(4);
      const length = 4 + first.readUInt16BE(2);
      expect(page(code, length.toString(16).padStart(4, "0")).length).toBe(length);
    }
  });

  test("SPC-4 §7.8.15: unit serial number", () => {
    expect(page("80").toString("hex")).toBe(`00800010${ascii("5349445553000001")}`);
  });

  test("SPC-4 §7.8.5: device identification, designators of unit, port and device", () => {
    const data = page("83");
    const designators: string[] = [];
    for (let at = 4; at < data.length; at += 4 + (data[at + 3] ?? 0)) {
      const length = data[at + 3] ?? 0;
      designators.push(
        `${data.subarray(at, at + 3).toString("hex")} ${data.subarray(at + 4, at + 4 + length).toString("hex")}`,
      );
    }
    const iqn = "iqn.2013-04.zone.sidus.target:sidus1";
    expect(designators.slice(1)).toEqual([
      `020100 ${ascii("SIDUS   5349445553000001")}`,
      "519400 00000001",
      "519500 00000001",
      `539800 ${ascii(`${iqn},t,0x0001`)}000000`,
      `53a800 ${ascii(iqn)}00000000`,
    ]);
    // NAA 3h, locally assigned.
    expect(designators[0]).toMatch(/^010300 3[0-9a-f]{15}$/);
  });

  test("SPC-4 §7.8.5.6.3: the NAA name is the target's for ever, and no other's", () => {
    const naa = (name: string): string => {
      const unit = { ...smallUnit(), identity: { name, serial: "1" } };
      return hex(run(unit, "12 01 83 00 ff 00")).slice(16, 32);
    };
    expect(naa("iqn.2013-04.zone.sidus.target:sidus1")).toMatchInlineSnapshot(`"36106d54ea3b1f3e"`);
    const names = Array.from({ length: 2000 }, (_, at) => naa(`iqn.2013-04.zone.sidus:n${at}`));
    expect(new Set(names).size).toBe(2000);
  });

  test("SPC-4 §7.8.7: simple, ordered and head of queue tasks; a volatile cache", () => {
    expect(page("86").toString("hex")).toBe(`0086003c000701${"00".repeat(57)}`);
  });

  test("SBC-3 §6.6.4: block limits", () => {
    const fields = [
      "00b0003c 01 ff 0008 00002000 00000200 00000000",
      "ffffffff 00000100 00000080 80000000 0000000000008000",
      "00".repeat(20),
    ];
    expect(page("b0").toString("hex")).toBe(fields.join("").replaceAll(" ", ""));
  });

  test("SBC-3 §6.6.2: nothing turns", () => {
    expect(page("b1").toString("hex")).toBe(`00b1003c0001${"00".repeat(58)}`);
  });

  test("SBC-3 §6.6.6: thin, UNMAP and both WRITE SAME, zeros afterwards", () => {
    expect(page("b2").toString("hex")).toBe("00b2000400e40200");
  });
});
