/**
 * Hashes that are kept: in file handles, generations and directory cookies, which clients hold over restarts.
 * They must never change. Spread evenly, but nothing secret: who makes the names can make them collide.
 */

/** 53 bits of a string of bytes (latin1), so that it is a safe integer. */
export function hash53(text: string): number {
  const high = finish(mixed(text, 0x811c_9dc5)) >>> 11;
  return high * 0x1_0000_0000 + finish(mixed(text, 0x2f0b_4c47));
}

/** 32 bits of a 64-bit value. */
export function hashOf64(value: bigint): number {
  const low = Number(value & 0xffff_ffffn);
  const high = Number((value >> 32n) & 0xffff_ffffn);
  return finish(Math.imul(finish(low) ^ high, 0x0100_0193));
}

function mixed(text: string, seed: number): number {
  let value = seed;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x0100_0193);
    value ^= value >>> 15;
  }
  return value;
}

/** Every bit of the input reaches every bit of the result. */
function finish(value: number): number {
  let bits = value ^ (value >>> 16);
  bits = Math.imul(bits, 0x45d9_f3b3);
  bits ^= bits >>> 15;
  bits = Math.imul(bits, 0x2c1b_3c6d);
  return (bits ^ (bits >>> 16)) >>> 0;
}
