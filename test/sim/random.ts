/** mulberry32: small, even enough for tests, and the same on every machine for one seed. */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** From 0 to `below` - 1. */
  below(below: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * below);
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.u32() / 0x1_0000_0000 < probability;
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.u32() & 255);
  }
}
