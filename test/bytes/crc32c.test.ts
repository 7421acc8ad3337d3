import { expect, test } from "vitest";
import { crc32c } from "../../src/bytes/crc32c.ts";

/** RFC 7143 Appendix A.4, whose bytes are the value's from its lowest on; the last is the usual check value. */
test.each([
  ["32 bytes of zeros", new Uint8Array(32), 0x8a91_36aa],
  ["32 bytes of ones", new Uint8Array(32).fill(0xff), 0x62a8_ab43],
  ["32 incrementing bytes", Uint8Array.from({ length: 32 }, (_, at) => at), 0x46dd_794e],
  ["32 decrementing bytes", Uint8Array.from({ length: 32 }, (_, at) => 31 - at), 0x113f_db5c],
  ["nothing", new Uint8Array(0), 0],
  ["123456789", Buffer.from("123456789"), 0xe306_9283],
])("CRC-32C of %s", (_, bytes, expected) => {
  expect(crc32c(bytes)).toBe(expected);
});

/** Bit by bit, as RFC 7143 §13.1 defines it. */
function bitwise(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return ~crc >>> 0;
}

test("CRC-32C of any length, wherever it lies, in any two parts", () => {
  const room = Uint8Array.from({ length: 120 }, (_, at) => (at * 89 + (at >> 3)) & 0xff);
  for (let start = 0; start < 9; start += 1) {
    for (let length = 0; length <= 100; length += 1) {
      const bytes = room.subarray(start, start + length);
      const half = (length * 7) % (length + 1);
      expect(crc32c(bytes)).toBe(bitwise(bytes));
      expect(crc32c(bytes.subarray(half), crc32c(bytes.subarray(0, half)))).toBe(bitwise(bytes));
    }
  }
});
