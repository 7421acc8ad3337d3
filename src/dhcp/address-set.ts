import { type Ipv4, ipv4 } from "../bytes/ipv4.ts";

const PAGE_BITS = 16;
const WORDS = 2 ** PAGE_BITS / 32;

/**
 * Addresses as bits, in a page of 8 KiB for each /16 that has or had one of them. To find one that is not in it reads a
 * word for each 32 that are: microseconds for a full /16.
 */
export class AddressSet {
  readonly #pages = new Map<number, Uint32Array>();

  put(address: Ipv4, isMember: boolean): void {
    let page = this.#pages.get(address >>> PAGE_BITS);
    if (page === undefined) {
      if (!isMember) return;
      page = new Uint32Array(WORDS);
      this.#pages.set(address >>> PAGE_BITS, page);
    }
    const at = wordOf(address);
    const bit = 1 << (address & 31);
    const word = page[at] ?? 0;
    page[at] = isMember ? word | bit : word & ~bit;
  }

  /** The first address of `from` to `to`, both included, that is not in it. */
  firstAbsent(from: Ipv4, to: Ipv4): Ipv4 | undefined {
    for (let at: number = from; at <= to; at += 32 - (at & 31)) {
      const word = this.#pages.get(at >>> PAGE_BITS)?.[wordOf(at)] ?? 0;
      const absent = ~word & (0xffff_ffff << (at & 31));
      if (absent === 0) continue;
      const lowest = 31 - Math.clz32(absent & -absent);
      const address = at - (at & 31) + lowest;
      return address <= to ? ipv4(address) : undefined;
    }
    return undefined;
  }
}

function wordOf(address: number): number {
  return (address >>> 5) & (WORDS - 1);
}
