import { describe, expect, test } from "vitest";
import { bytes, hex, one, run, type SmallUnit, smallUnit, told, two } from "./small-unit.ts";

const compact = (text: string): string => text.replaceAll(" ", "");

/** Linux's sd asks for this one. */
const CACHING = "08 12 04 0000 0000 0000 0000 0000 0000 0000 0000 00";
const CONTROL = "0a 0a 00 10 00 00 00 00 ff ff 00 00";
const DESCRIPTOR = "00000800 00000200";

function select6(unit: SmallUnit, pages: string, header = "00 00 00 00"): string {
  const data = bytes(header + pages);
  return told(run(unit, Uint8Array.of(0x15, 0x10, 0, 0, data.length, 0), { data }));
}

describe("MODE SENSE", () => {
  test("SPC-4 §6.13: caching page with header and block descriptor", () => {
    expect(hex(run(smallUnit(), "1a 00 08 00 ff 00"))).toBe(
      compact(`1f 00 10 08 ${DESCRIPTOR} ${CACHING}`),
    );
  });

  test("SPC-4 §6.13: all pages, without block descriptor", () => {
    const data = hex(run(smallUnit(), "1a 08 3f 00 ff 00"));
    expect(data).toBe(compact(`23 00 10 00 ${CACHING} ${CONTROL}`));
    expect(hex(run(smallUnit(), "1a 08 3f ff ff 00"))).toBe(data);
  });

  test("SPC-4 §6.13: what Linux asks for at login: the header of all, the caching page", () => {
    expect(hex(run(smallUnit(), "1a 00 3f 00 04 00"))).toBe("2b001008");
    expect(hex(run(smallUnit(), "1a 00 08 00 04 00"))).toBe("1f001008");
    expect(hex(run(smallUnit(), "1a 00 08 00 20 00"))).toHaveLength(64);
  });

  test("SPC-4 §6.14: the 10-byte form, with short and long addresses", () => {
    expect(hex(run(smallUnit(), "5a 00 0a 00 000000 00ff 00"))).toBe(
      compact(`001a 00 10 00 00 0008 ${DESCRIPTOR} ${CONTROL}`),
    );
    expect(hex(run(smallUnit(), "5a 10 0a 00 000000 00ff 00"))).toBe(
      compact(`0022 00 10 01 00 0010 0000000000000800 00000000 00000200 ${CONTROL}`),
    );
    expect(hex(run(smallUnit(), "5a 08 0a 00 000000 00ff 00"))).toBe(
      compact(`0012 00 10 00 00 0000 ${CONTROL}`),
    );
    expect(run(smallUnit(), "5a 00 3f 00 000000 0000 00").dataInBytes).toBe(0);
  });

  test("SBC-3 §6.5.2: more blocks than 32 bits count are FFFFFFFFh, all of them in the long form", () => {
    const unit = smallUnit();
    const large = { ...unit, volume: { ...unit.volume, bytes: 3 * 2 ** 41 } };
    expect(hex(run(large, "1a 00 0a 00 0c 00"))).toBe(compact("17 00 10 08 ffffffff 00000200"));
    expect(hex(run(large, "5a 10 0a 00 000000 0018 00")).slice(16)).toBe(
      compact("0000000300000000 00000000 00000200"),
    );
  });

  test("SPC-4 §6.13.1: changeable and default values; none are saved", () => {
    expect(hex(run(smallUnit(), "1a 08 4a 00 ff 00"))).toBe(
      compact("0f 00 10 00 0a 0a 04 00 08 00 00 00 00 00 00 00"),
    );
    expect(hex(run(smallUnit(), "1a 08 48 00 ff 00"))).toBe(
      compact(`17 00 10 00 08 12 04 ${"00".repeat(17)}`),
    );
    expect(hex(run(smallUnit(), "1a 08 88 00 ff 00"))).toBe(compact(`17 00 10 00 ${CACHING}`));
    expect(told(run(smallUnit(), "1a 08 c8 00 ff 00"))).toBe("02 5/39/00");
  });

  test("SPC-4 §6.13: pages and subpages that are not there are refused", () => {
    expect(told(run(smallUnit(), "1a 08 01 00 ff 00"))).toBe("02 5/24/00 c2.5");
    expect(told(run(smallUnit(), "1a 08 08 01 ff 00"))).toBe("02 5/24/00 c2.5");
    expect(told(run(smallUnit(), "1a 08 3f 7f ff 00"))).toBe("02 5/24/00 c2.5");
    expect(hex(run(smallUnit(), "1a 08 08 ff ff 00"))).toBe(compact(`17 00 10 00 ${CACHING}`));
  });

  test("SBC-3 §6.5.1: WP where the volume is read-only", () => {
    const unit = smallUnit();
    unit.volume.isReadOnly = true;
    expect(hex(run(unit, "1a 08 0a 00 04 00"))).toBe("0f009000");
  });
});

describe("MODE SELECT", () => {
  test("SBC-3 §6.5.5: WCE cleared is write-through, and the others are told", () => {
    const unit = smallUnit();
    const writeThrough = CACHING.replace("04", "00");
    expect(unit.modes.isWriteThrough).toBe(false);
    expect(select6(unit, writeThrough)).toBe("00");
    expect(unit.modes.isWriteThrough).toBe(true);
    expect(hex(run(unit, "1a 08 08 00 ff 00"))).toBe(compact(`17 00 10 00 ${writeThrough}`));
    expect(unit.attentions.next(one)).toBeUndefined();
    expect(unit.attentions.next(two)).toEqual([0x2a, 0x01]);
    unit.modes.reset();
    expect(unit.modes.isWriteThrough).toBe(false);
  });

  test("SBC-3 §6.5.5: what was written before WCE was cleared is on disk when that is answered", () => {
    const unit = smallUnit();
    expect(select6(unit, CONTROL)).toBe("00");
    expect(unit.volume.flushes).toBe(0);
    expect(select6(unit, CACHING.replace("04", "00"))).toBe("00");
    expect(unit.volume.flushes).toBe(1);
    expect(select6(unit, CACHING)).toBe("00");
    expect(unit.volume.flushes).toBe(1);
    unit.volume.error = "io";
    expect(select6(unit, CACHING.replace("04", "00"))).toBe("02 3/0c/00");
  });

  test("SPC-4 §7.5.8: SWP protects, as MODE SENSE then shows; D_SENSE chooses the format", () => {
    const unit = smallUnit();
    expect(select6(unit, "0a 0a 00 10 08 00 00 00 ff ff 00 00")).toBe("00");
    expect(unit.modes).toMatchObject({ isWriteProtected: true, isDescriptorSense: false });
    expect(hex(run(unit, "1a 08 0a 00 09 00"))).toBe("0f0090000a0a001008");
    expect(select6(unit, "0a 0a 04 10 00 00 00 00 ff ff 00 00")).toBe("00");
    expect(unit.modes).toMatchObject({ isWriteProtected: false, isDescriptorSense: true });
  });

  test("what changes nothing is told to no one", () => {
    const unit = smallUnit();
    expect(select6(unit, CACHING + CONTROL)).toBe("00");
    expect(unit.attentions.next(two)).toBeUndefined();
  });

  test("SPC-4 §6.12: the 10-byte form, with a long block descriptor", () => {
    const unit = smallUnit();
    const header = "0000 00 10 01 00 0010 0000000000000800 00000000 00000200";
    const data = bytes(`${header} 88 12 00 ${"00".repeat(17)}`);
    const cdb = Uint8Array.of(0x55, 0x10, 0, 0, 0, 0, 0, 0, data.length, 0);
    expect(run(unit, cdb, { data })).toMatchObject({ status: 0, dataOutWanted: data.length });
    expect(unit.modes.isWriteThrough).toBe(true);
  });

  test("SPC-4 §6.11: all pages or none", () => {
    const unit = smallUnit();
    const wrong = "0a 0a 00 20 00 00 00 00 ff ff 00 00";
    expect(select6(unit, CACHING.replace("04", "00") + wrong)).toBe("02 5/26/00 p27.5");
    expect(unit.modes.isWriteThrough).toBe(false);
  });

  test.each([
    ["a page that is not there", "00000000 01 0a 0000 0000 0000 0000 0000", "02 5/26/00 p4"],
    ["a page in the subpage format", "00000000 4a 01 0000", "02 5/26/00 p4"],
    ["a page length that is wrong", "00000000 0a 08 0000 0000 0000 0000", "02 5/26/00 p5"],
    ["what cannot be changed", "00000000 0a 0a 00 10 40 00 00 00 ff ff 00 00", "02 5/26/00 p8.6"],
    ["half a page", "00000000 0a 0a 00 10", "02 5/1a/00"],
    ["one byte of a page", "00000000 0a", "02 5/1a/00"],
    ["half a header", "0000", "02 5/1a/00"],
    ["half a block descriptor", "00000008 00000000", "02 5/1a/00"],
    [
      "half of two block descriptors",
      "00000010 00000800 00000200 0000000000000000",
      "02 5/26/00 p3",
    ],
    ["another number of blocks", "00000008 00000801 00000200", "02 5/26/00 p4"],
    ["another size of blocks", "00000008 00000000 00001000", "02 5/26/00 p8"],
  ])("SPC-4 §7.5.4: %s is refused", (_, list, refusal) => {
    const data = bytes(list);
    const cdb = Uint8Array.of(0x15, 0x10, 0, 0, data.length, 0);
    expect(told(run(smallUnit(), cdb, { data }))).toBe(refusal);
  });

  test("SBC-3 §6.5.2: the block descriptor as it is, or of as many blocks as there are", () => {
    for (const blocks of ["00000800", "00000000", "ffffffff"]) {
      expect(select6(smallUnit(), "", `00 00 00 08 ${blocks} 00000200`)).toBe("00");
    }
  });

  test("SPC-4 §6.11: no list changes nothing; one shorter than the CDB says is refused", () => {
    expect(told(run(smallUnit(), "15 10 00 00 00 00"))).toBe("00");
    expect(told(run(smallUnit(), "15 10 00 00 10 00", { data: "00000000" }))).toBe("02 5/1a/00");
    expect(run(smallUnit(), "15 10 00 00 10 00").dataOutWanted).toBe(16);
  });

  test("SPC-4 §6.11: pages of a vendor's own, and saving, are refused", () => {
    expect(told(run(smallUnit(), "15 00 00 00 00 00"))).toBe("02 5/24/00 c1.4");
    expect(told(run(smallUnit(), "15 11 00 00 00 00"))).toBe("02 5/24/00 c1.0");
  });
});
