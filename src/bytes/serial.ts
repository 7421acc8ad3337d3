/** RFC 1982: 32-bit numbers that wrap around. Two of them compare while they are less than 2^31 apart. */

export function serialPlus(serial: number, steps: number): number {
  return (serial + steps) >>> 0;
}

/** How many steps lead from `from` to `to`; negative where `to` is behind. */
export function serialDistance(from: number, to: number): number {
  return (to - from) | 0;
}
