import { expect, test } from "vitest";
import { serialDistance, serialPlus } from "../../src/bytes/serial.ts";

test.each([
  [0, 1, 1],
  [1, 0, -1],
  [0xffff_ffff, 0, 1],
  [0xffff_fff0, 0x10, 0x20],
  [0x10, 0xffff_fff0, -0x20],
  [5, 5, 0],
])("RFC 1982 §3.2: from %i to %i", (from, to, steps) => {
  expect(serialDistance(from, to)).toBe(steps);
  expect(serialPlus(from, steps)).toBe(to);
});
