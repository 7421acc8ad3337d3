import { describe, expect, test } from "vitest";
import type { Disk } from "../../src/scsi/disk.ts";
import {
  be,
  bench,
  cdb10,
  cdb16,
  GOOD,
  isSame,
  padded,
  pattern,
  taken,
  told,
} from "./initiator.ts";

const INVALID_FIELD = "5/24/00";
const INVALID_LIST = "5/26/00";
const LIST_LENGTH_ERROR = "5/1a/00";
const OUT_OF_RANGE = "5/21/00";

type Range = readonly [lba: number | bigint, count: number];

/** SBC-3 §5.28.2 */
function unmapList(ranges: readonly Range[]): Uint8Array {
  const descriptors = ranges.flatMap(([lba, count]) => [
    ...be(lba, 8),
    ...be(count, 4),
    0,
    0,
    0,
    0,
  ]);
  const { length } = descriptors;
  return Uint8Array.from([...be(length + 6, 2), ...be(length, 2), 0, 0, 0, 0, ...descriptors]);
}

function unmapCdb(length: number, flags = 0): number[] {
  return [0x42, flags, 0, 0, 0, 0, 0, ...be(length, 2), 0];
}

/** GET LBA STATUS as [first block, number of blocks, provisioning status]. */
function statusCdb(lba: number | bigint, allocationLength: number): number[] {
  return [0x9e, 0x12, ...be(lba, 8), ...be(allocationLength, 4), 0, 0];
}

function descriptors(data: Uint8Array): number[][] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  expect(view.getUint32(0)).toBe(data.length - 4);
  return Array.from({ length: (data.length - 8) / 16 }, (_, index) => {
    const at = 8 + index * 16;
    return [Number(view.getBigUint64(at)), view.getUint32(at + 8), view.getUint8(at + 12)];
  });
}

function wantedOf(disk: Disk, cdb: readonly number[]): number {
  return disk.dataOutWanted(padded(cdb));
}

describe("SBC-3 §5.28: UNMAP", () => {
  test("blocks of all descriptors read as zeros and take no room, others stay", () => {
    const { initiator, volume, disk } = bench({ blocks: 64 });
    volume.fill(0xff);
    const list = unmapList([
      [1, 3],
      [10, 0],
      [60, 4],
      [2, 4],
    ]);
    const cdb = unmapCdb(list.length);
    expect(wantedOf(disk, cdb)).toBe(list.length);
    const result = initiator.send(cdb, { data: [list.subarray(0, 11), list.subarray(11)] });
    expect([told(result), result.dataOutWanted]).toEqual([GOOD, list.length]);
    const expected = new Uint8Array(64 * 512).fill(0xff);
    expected.fill(0, 512, 6 * 512).fill(0, 60 * 512);
    expect(isSame(volume.content, expected)).toBe(true);
    expect(descriptors(taken(initiator.send(statusCdb(0, 1000))))).toEqual([
      [0, 1, 0],
      [1, 5, 1],
      [6, 54, 0],
      [60, 4, 1],
    ]);
  });

  test("no descriptors, no blocks at the very end, 256 descriptors: GOOD", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    volume.fill(1);
    for (const ranges of [
      [],
      [[64, 0]],
      Array.from({ length: 256 }, (_, index) => [index >> 2, 1]),
    ] as unknown as Range[][]) {
      const data = unmapList(ranges);
      expect(told(initiator.send(unmapCdb(data.length), { data }))).toBe(GOOD);
    }
    expect(volume.content.every((byte) => byte === 0)).toBe(true);
    expect(told(initiator.send(unmapCdb(0)))).toBe(GOOD);
  });

  test("one block that is not there, and none of the list is done", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    for (const wrong of [
      [64, 1],
      [0, 65],
      [65, 0],
      [1n << 63n, 1],
      [(1n << 64n) - 1n, 2],
      [0, 0xffff_ffff],
    ] as const) {
      const data = unmapList([[0, 1], wrong]);
      expect(told(initiator.send(unmapCdb(data.length), { data }))).toBe(OUT_OF_RANGE);
    }
    expect(volume.calls).toEqual([]);
  });

  test("lists that are too short, too long or not as they say", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    const data = unmapList([[0, 1]]);
    for (const length of [1, 7]) {
      expect(told(initiator.send(unmapCdb(length), { data }))).toBe(LIST_LENGTH_ERROR);
    }
    const cut = { data: data.subarray(0, 20) };
    expect(told(initiator.send(unmapCdb(24), cut))).toBe(LIST_LENGTH_ERROR);
    expect(told(initiator.send(unmapCdb(20), cut))).toBe(INVALID_LIST);
    const many = unmapList(Array.from({ length: 257 }, () => [0, 1]));
    expect(told(initiator.send(unmapCdb(many.length), { data: many }))).toBe(INVALID_LIST);
    expect(told(initiator.send(unmapCdb(24, 0x01), { data }))).toBe(INVALID_FIELD);
    expect(volume.calls).toEqual([]);
    // A descriptor that is not whole is no error.
    data[3] = 15;
    expect(told(initiator.send(unmapCdb(24), { data }))).toBe(GOOD);
    expect(volume.calls).toEqual([]);
  });
});

describe.each([
  ["(10)", 0x41, cdb10],
  ["(16)", 0x93, cdb16],
] as const)("SBC-3 §5.43: WRITE SAME%s", (_, WRITE_SAME, form) => {
  const UNMAP = 0x08;
  const block = pattern(1, 77);
  const zeros = new Uint8Array(512);

  test("one block is written to all of them", () => {
    const { initiator, volume, disk } = bench({ blocks: 2000 });
    const cdb = form(WRITE_SAME, 0, 3, 1990);
    expect(wantedOf(disk, cdb)).toBe(512);
    const result = initiator.send(cdb, { data: [block.subarray(0, 5), block.subarray(5)] });
    expect([told(result), result.dataOutWanted]).toEqual([GOOD, 512]);
    const expected = new Uint8Array(2000 * 512);
    for (let lba = 3; lba < 1993; lba += 1) expected.set(block, lba * 512);
    expect(isSame(volume.content, expected)).toBe(true);
  });

  test("UNMAP gives zeros back, writes other data; zeros without UNMAP take no room that was not taken", () => {
    const { initiator, volume } = bench({ blocks: 64 });
    initiator.send(form(WRITE_SAME, UNMAP, 0, 64), { data: block });
    expect(volume.calls).toEqual(["write"]);
    initiator.send(form(WRITE_SAME, UNMAP, 8, 8), { data: zeros });
    expect(volume.calls).toEqual(["write", "deallocate"]);
    initiator.send(form(WRITE_SAME, 0, 32, 8), { data: zeros });
    initiator.send(form(WRITE_SAME, 0, 8, 2), { data: zeros });
    expect(volume.calls).toEqual(["write", "deallocate", "clear", "clear"]);
    expect(descriptors(taken(initiator.send(statusCdb(0, 1000))))).toEqual([
      [0, 8, 0],
      [8, 8, 1],
      [16, 48, 0],
    ]);
    expect(volume.content.subarray(8 * 512, 16 * 512).every((byte) => byte === 0)).toBe(true);
    expect(volume.content.subarray(32 * 512, 40 * 512).every((byte) => byte === 0)).toBe(true);
  });

  test("refused: no blocks (WSNZ), too many, ANCHOR, addresses in the data, protection, beyond the end", () => {
    const { initiator, volume } = bench({ blocks: 40_000 });
    for (const [flags, lba, count, sense] of [
      [0, 0, 0, INVALID_FIELD],
      [UNMAP, 0, 0, INVALID_FIELD],
      [UNMAP, 0, 32_769, INVALID_FIELD],
      [0x10, 0, 1, INVALID_FIELD],
      [0x18, 0, 1, INVALID_FIELD],
      [0x02, 0, 1, INVALID_FIELD],
      [0x04, 0, 1, INVALID_FIELD],
      [0x20, 0, 1, INVALID_FIELD],
      [0xe0, 0, 1, INVALID_FIELD],
      [0, 40_000, 1, OUT_OF_RANGE],
      [0, 39_999, 2, OUT_OF_RANGE],
      [UNMAP, 0xffff_ffff, 256, OUT_OF_RANGE],
    ] as const) {
      const result = initiator.send(form(WRITE_SAME, flags, lba, count), { data: zeros });
      expect([told(result), flags, lba, count]).toEqual([sense, flags, lba, count]);
    }
    expect(volume.calls).toEqual([]);
    expect(told(initiator.send(form(WRITE_SAME, UNMAP, 0, 32_768), { data: zeros }))).toBe(GOOD);
  });

  test("half a block or two of them are not one", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    for (const length of [0, 256, 1024]) {
      const data = new Uint8Array(length);
      expect(told(initiator.send(form(WRITE_SAME, UNMAP, 0, 1), { data }))).toBe(INVALID_FIELD);
    }
    expect(volume.calls).toEqual([]);
  });
});

test("SBC-3 §5.44 NDOB: no data comes, zeros are meant; the 10-byte form has no such bit", () => {
  const { initiator, volume, disk } = bench({ blocks: 64 });
  volume.fill(0xee);
  expect(wantedOf(disk, cdb16(0x93, 0x01, 0, 1))).toBe(0);
  expect(told(initiator.send(cdb16(0x93, 0x09, 0, 8)))).toBe(GOOD);
  expect(told(initiator.send(cdb16(0x93, 0x01, 8, 8)))).toBe(GOOD);
  expect(volume.calls).toEqual(["deallocate", "clear"]);
  expect(volume.content.subarray(0, 16 * 512).every((byte) => byte === 0)).toBe(true);
  expect(volume.content[16 * 512]).toBe(0xee);
  expect(wantedOf(disk, cdb10(0x41, 0x01, 0, 1))).toBe(512);
});

describe("SBC-3 §5.4: GET LBA STATUS", () => {
  test("begins with the block that is asked for, as many descriptors as there is room for", async () => {
    for (const later of [undefined, async () => {}]) {
      const { initiator, volume } = bench({ blocks: 64, ...(later && { later }) });
      await volume.write(10 * 512, [pattern(10, 0)]);
      const ask = async (lba: number, room: number): Promise<Uint8Array> =>
        taken(await initiator.execute(statusCdb(lba, room)));
      expect(descriptors(await ask(0, 24))).toEqual([[0, 10, 1]]);
      expect(descriptors(await ask(13, 39))).toEqual([[13, 7, 0]]);
      expect(descriptors(await ask(13, 40))).toEqual([
        [13, 7, 0],
        [20, 44, 1],
      ]);
      expect(descriptors(await ask(63, 1000))).toEqual([[63, 1, 1]]);
      expect([...(await ask(0, 5))]).toEqual([0, 0, 0, 20, 0]);
      expect([...(await ask(0, 0))]).toEqual([]);
      expect(told(await initiator.execute(statusCdb(64, 24)))).toBe(OUT_OF_RANGE);
    }
  });

  test("64 descriptors at most, however many there are", async () => {
    const { initiator, volume } = bench({ blocks: 400 });
    for (let lba = 0; lba < 400; lba += 2) await volume.write(lba * 512, [pattern(1, 0)]);
    const found = descriptors(taken(initiator.send(statusCdb(0, 0xffff_ffff))));
    expect(found.length).toBe(64);
    expect(found.at(-1)).toEqual([63, 1, 1]);
  });

  test("what fails below is told", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    volume.failure = "gone";
    expect(told(initiator.send(statusCdb(0, 24)))).toBe("4/44/00");
  });
});

describe("what the disk says of itself", () => {
  test("SBC-3 §5.15: READ CAPACITY(10): the last block, as far as 32 bits go", () => {
    const { initiator, volume } = bench({ blocks: 0x1_2345 });
    const cdb = [0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    expect([...taken(initiator.send(cdb))]).toEqual([0, 1, 0x23, 0x44, 0, 0, 2, 0]);
    volume.bytes = 2 ** 32 * 512;
    expect([...taken(initiator.send(cdb))].slice(0, 4)).toEqual([0xff, 0xff, 0xff, 0xff]);
    volume.bytes = (2 ** 32 + 5) * 512;
    expect([...taken(initiator.send(cdb))].slice(0, 4)).toEqual([0xff, 0xff, 0xff, 0xff]);
  });

  test("SBC-3 §5.16.2: READ CAPACITY(16): thin, zeros where nothing is, cut to any length", () => {
    const { initiator, volume } = bench({ blocks: 8 });
    volume.bytes = (2 ** 33 + 1) * 512;
    const cdb = (room: number): number[] => [0x9e, 0x10, ...be(0, 8), ...be(room, 4), 0, 0];
    const expected = [...be(2 ** 33, 8), 0, 0, 2, 0, 0, 0, 0xc0, 0, ...be(0, 16)];
    for (const room of [0, 1, 12, 31, 32, 100]) {
      expect([...taken(initiator.send(cdb(room)))]).toEqual(expected.slice(0, room));
    }
  });

  test("SBC-3 §5.17 and §5.18: no defects, in whichever list and format", () => {
    const { initiator } = bench({ blocks: 8 });
    const ten = initiator.send([0x37, 0, 0x1d, 0, 0, 0, 0, 0, 32, 0]);
    expect([...taken(ten)]).toEqual([0, 0x1d, 0, 0]);
    const twelve = initiator.send([0xb7, 0x0d, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0]);
    expect([...taken(twelve)]).toEqual([0, 0x0d, 0, 0, 0, 0, 0, 0]);
  });
});
