/** CRC-32C (Castagnoli), reflected, as RFC 7143 §13.1 and EROFS have it. */

const POLYNOMIAL = 0x82f6_3b78;
/** Bytes that one step takes. */
const SLICE = 16;

/** Row n: what a byte does to the sum, n bytes later. One table, so that its rows lie side by side. */
const table = new Int32Array(SLICE * 256);
for (let byte = 0; byte < 256; byte += 1) {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ (value & 1 ? POLYNOMIAL : 0);
  table[byte] = value;
}
for (let at = 256; at < table.length; at += 1) {
  const before = table[at - 256] ?? 0;
  table[at] = (before >>> 8) ^ (table[before & 0xff] ?? 0);
}

/** Of several parts: `crc32c(second, crc32c(first))`. */
export function crc32c(bytes: Uint8Array, before = 0): number {
  const whole = bytes.length - (bytes.length % SLICE);
  let crc = ~before;
  if (whole > 0) crc = slices(new DataView(bytes.buffer, bytes.byteOffset, whole), crc);
  for (let at = whole; at < bytes.length; at += 1) {
    crc = (crc >>> 8) ^ (table[(crc ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  }
  return ~crc >>> 0;
}

/** Sixteen bytes a step: their sums do not wait for one another. */
function slices(view: DataView, start: number): number {
  let crc = start;
  for (let at = 0; at < view.byteLength; at += SLICE) {
    crc =
      word(view.getInt32(at, true) ^ crc, 12 * 256) ^
      word(view.getInt32(at + 4, true), 8 * 256) ^
      word(view.getInt32(at + 8, true), 4 * 256) ^
      word(view.getInt32(at + 12, true), 0);
  }
  return crc;
}

/** Of four bytes in little-endian order, the last of which stands at `row`. */
function word(value: number, row: number): number {
  return (
    (table[row + 768 + (value & 0xff)] ?? 0) ^
    (table[row + 512 + ((value >>> 8) & 0xff)] ?? 0) ^
    (table[row + 256 + ((value >>> 16) & 0xff)] ?? 0) ^
    (table[row + (value >>> 24)] ?? 0)
  );
}
