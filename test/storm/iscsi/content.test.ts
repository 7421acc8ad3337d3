import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { VolumeContent } from "../../../src/storm/iscsi/content.ts";

function blocks(content: VolumeContent, lba: number, count: number): Buffer {
  const bytes = Buffer.alloc(count * 512);
  content.fill(lba, 0, bytes);
  return bytes;
}

describe("what a simulated node writes to its volume", () => {
  test("a block tells its place and whose it is", () => {
    const own = blocks(new VolumeContent(1, "disk"), 5, 2);
    const places = [
      own.subarray(0, 512),
      own.subarray(512),
      blocks(new VolumeContent(2, "disk"), 5, 1),
      blocks(new VolumeContent(1, "other"), 5, 1),
      blocks(new VolumeContent(1, "disk"), 5 + 2 ** 32, 1),
    ];
    expect(new Set(places.map((block) => block.toString("hex"))).size).toBe(places.length);
    expect(own.readBigUInt64BE(0)).toBe(5n);
    expect(new Set(own).size).toBeGreaterThan(200);
  });

  test("wherever it is cut, it is the same", () => {
    const content = new VolumeContent(7, "disk");
    const whole = blocks(content, 100, 8);
    content.wrote(100, 8);
    const cut = fc.tuple(fc.nat(4095), fc.integer({ min: 1, max: 4096 }));
    fc.assert(
      fc.property(cut, ([start, length]) => {
        const part = whole.subarray(start, start + length);
        const made = Buffer.alloc(part.length);
        content.fill(100, start, made);
        expect(made).toEqual(part);
        expect(content.check(100, start, part)).toBe(part.length);
      }),
    );
  });

  test("only what was written, and not written over, is judged", () => {
    const content = new VolumeContent(7, "disk");
    const zeros = Buffer.alloc(4 * 512);
    expect(content.check(32_766, 0, zeros)).toBe(0);
    // Over the end of one piece of what is remembered.
    content.wrote(32_767, 2);
    expect(content.check(32_766, 0, zeros)).toBeUndefined();
    const right = Buffer.concat([
      zeros.subarray(0, 512),
      blocks(content, 32_767, 2),
      zeros.subarray(0, 512),
    ]);
    expect(content.check(32_766, 0, right)).toBe(1024);
    content.forget(32_768, 1);
    expect(content.check(32_768, 0, zeros.subarray(0, 512))).toBe(0);
    right[600] = (right[600] ?? 0) ^ 1;
    expect(content.check(32_766, 0, right)).toBeUndefined();
  });
});
