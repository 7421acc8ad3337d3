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
