import { describe, expect, test } from "vitest";
import { hash53, hashOf64 } from "../../src/bytes/hash.ts";

/** The numbers come from the same definition written in another language. Clients keep them: they must not change. */
describe("hashes that are kept", () => {
  test("of names, 53 bits", () => {
    expect(hash53("passwd")).toBe(4_106_560_517_830_269);
    expect(hash53("\xff\x80")).toBe(3_224_890_600_410_676);
    expect(hash53("")).toBe(1_868_487_784_606_092);
  });

  test("of 64-bit values; 0, where a file system knows no birth time, stays 0", () => {
    expect(hashOf64(0n)).toBe(0);
    expect(hashOf64(1n)).toBe(2_110_703_399);
    expect(hashOf64(0x18e9_f0a1_b2c3_d4e5n)).toBe(728_453_887);
  });

  test("names that differ little spread over the whole range", () => {
    const names = Array.from({ length: 100_000 }, (_, at) => `file-${at}.conf`);
    const hashes = new Set(names.map(hash53));
    expect(hashes.size).toBe(names.length);
    const eighths = new Array<number>(8).fill(0);
    for (const hash of hashes) {
      const at = Math.floor(hash / 2 ** 50);
      eighths[at] = (eighths[at] ?? 0) + 1;
    }
    for (const count of eighths) expect(Math.abs(count - 12_500)).toBeLessThan(700);
  });
});
