import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import type { Lease } from "./leases.ts";

/** Leases found by MAC and by address; each of both is in it once. In the order in which they were set. */
export class LeaseBook {
  readonly #byMac = new Map<MacAddress, Lease>();
  readonly #byAddress = new Map<Ipv4, Lease>();

  get size(): number {
    return this.#byMac.size;
  }

  all(): IteratorObject<Lease> {
    return this.#byMac.values();
  }

  of(mac: MacAddress): Lease | undefined {
    return this.#byMac.get(mac);
  }

  at(address: Ipv4): Lease | undefined {
    return this.#byAddress.get(address);
  }

  set(lease: Lease): void {
    this.remove(lease.mac);
    const displaced = this.#byAddress.get(lease.address);
    if (displaced !== undefined) this.remove(displaced.mac);
    this.#byMac.set(lease.mac, lease);
    this.#byAddress.set(lease.address, lease);
  }

  remove(mac: MacAddress): Lease | undefined {
    const lease = this.#byMac.get(mac);
    if (lease === undefined) return undefined;
    this.#byMac.delete(mac);
    this.#byAddress.delete(lease.address);
    return lease;
  }
}

/** Leases by when they end: a binary heap. One that was replaced meanwhile is taken out at its time like any other. */
export class LeaseEnds {
  #heap: Lease[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(lease: Lease): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.until <= lease.until) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = lease;
  }

  /** Takes out the one that ends first, where it has ended by now. */
  take(now: number): Lease | undefined {
    const [first] = this.#heap;
    if (first === undefined || first.until > now) return undefined;
    const last = this.#heap.pop();
    if (last !== undefined && this.#heap.length > 0) this.#sink(last);
    return first;
  }

  /** Only those that `isLive`. */
  keep(isLive: (lease: Lease) => boolean): void {
    const live = this.#heap.filter(isLive);
    this.#heap = [];
    for (const lease of live) this.add(lease);
  }

  #sink(lease: Lease): void {
    const heap = this.#heap;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      if (left === undefined) break;
      const isRight = right !== undefined && right.until < left.until;
      const child = isRight ? right : left;
      if (child.until >= lease.until) break;
      heap[at] = child;
      at = 2 * at + (isRight ? 2 : 1);
    }
    heap[at] = lease;
  }
}
