import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  DECLINED_HOLD_MS,
  DECLINED_MAX,
  LEASE_GRACE_MS,
  LEASES_MAX,
  OFFER_HOLD_MS,
  OFFERS_MAX,
} from "../limits.ts";
import { candidates, type Pool, permits, reservationOf } from "./pool.ts";

/**
 * Who has which address (RFC 2131 §4.3.1), in time that is passed in: milliseconds since 1970.
 *
 * The key is the hardware address, not the client identifier: the firmware, the loader and the kernel of one
 * node send different identifiers, or none, and must get one address.
 * A lease that has ended is kept: its node gets the address again as long as no other needs it.
 */

export interface Lease {
  readonly mac: MacAddress;
  readonly address: Ipv4;
  /** Ends then, a little later than the node was told; Infinity: never. */
  readonly until: number;
}

/** Where leases outlive the process. Each address is in it once, and each MAC address. */
export interface LeaseStore {
  load(): readonly Lease[];
  /** On disk when it returns; throws where it cannot. Takes the place of what was there for the MAC and for the address. */
  save(lease: Lease): void;
  remove(mac: MacAddress): void;
}

export type NoAddress = "pool-exhausted" | "too-many-offers";

export class Leases {
  readonly #store: LeaseStore;
  readonly #bound = new LeaseBook();
  /** In the order in which they end, because each is held equally long. */
  readonly #offered = new LeaseBook();
  /** Addresses that a client found in use, until when; in the order in which they end. */
  readonly #declined = new Map<Ipv4, number>();

  readonly #isPresent: (address: Ipv4) => boolean;

  constructor(store: LeaseStore, isPresent: (address: Ipv4) => boolean = () => false) {
    this.#store = store;
    this.#isPresent = isPresent;
    for (const lease of store.load()) this.#bound.set(lease);
  }

  /** The node's lease, also when it has ended. */
  of(mac: MacAddress): Lease | undefined {
    return this.#bound.of(mac);
  }

  /** The lease that the address was last given under, also when it has ended. */
  lastAt(address: Ipv4): Lease | undefined {
    return this.#bound.at(address);
  }

  /** The lease that the address is in use under. */
  at(address: Ipv4, now: number): Lease | undefined {
    const lease = this.#bound.at(address);
    return lease !== undefined && lease.until > now ? lease : undefined;
  }

  /** Whether the node may be bound to the address now: permitted to it, and with nobody else. */
  isAvailable(pool: Pool, mac: MacAddress, address: Ipv4, now: number): boolean {
    if (!permits(pool, mac, address)) return false;
    if ((this.#declined.get(address) ?? 0) > now) return false;
    if (this.#isForeign(pool, mac, address)) return false;
    const others = [this.#bound.at(address), this.#offered.at(address)];
    return others.every((lease) => lease === undefined || lease.mac === mac || lease.until <= now);
  }

  /** RFC 2131 §4.3.1: chooses an address for the node and keeps it from others while the offer stands. */
  offer(pool: Pool, mac: MacAddress, wanted: Ipv4 | undefined, now: number): Ipv4 | NoAddress {
    this.#forgetOldOffers(now);
    const address = this.#choose(pool, mac, wanted, now);
    if (address === undefined) return "pool-exhausted";
    // What is the node's already needs no holding: a flood of strangers cannot keep it from the node.
    const isOwn = reservationOf(pool, mac) === address || this.at(address, now)?.mac === mac;
    if (isOwn) return address;
    this.#offered.remove(mac);
    if (this.#offered.size >= OFFERS_MAX) return "too-many-offers";
    this.#offered.set({ mac, address, until: now + OFFER_HOLD_MS });
    return address;
  }

  /** The node took another server's offer. */
  withdrawOffer(mac: MacAddress): void {
    this.#offered.remove(mac);
  }

  /**
   * Gives the node the address, which is available to it, until then at least. On disk when it returns.
   * Undefined: there is no room for one more lease.
   */
  bind(mac: MacAddress, address: Ipv4, until: number, now: number): Lease | undefined {
    this.#offered.remove(mac);
    const before = this.#bound.of(mac);
    if (before?.address === address && before.until >= until) {
      // Much longer is as wrong as shorter: the lease time was changed.
      if (before.until <= until + LEASE_GRACE_MS) return before;
    }
    if (before === undefined && this.#bound.size >= LEASES_MAX) {
      const oldest = oldestEnded(this.#bound.all(), now);
      if (oldest === undefined) return undefined;
      this.#forget(oldest.mac);
    }
    const lease = { mac, address, until: until + LEASE_GRACE_MS };
    this.#store.save(lease);
    this.#bound.set(lease);
    return lease;
  }

  /** RFC 2131 §4.3.4: the node is done with the address, which it gets again if it can. False: it is not the node's. */
  release(mac: MacAddress, address: Ipv4, now: number): boolean {
    const lease = this.#bound.of(mac);
    if (lease?.address !== address || lease.until <= now) return false;
    const ended = { ...lease, until: now };
    this.#store.save(ended);
    this.#bound.set(ended);
    return true;
  }

  /** RFC 2131 §4.3.3: somebody uses the address without a lease. False: it is not the node's to decline. */
  decline(mac: MacAddress, address: Ipv4, now: number): boolean {
    if (this.#bound.of(mac)?.address !== address) return false;
    this.#forget(mac);
    this.#declined.delete(address);
    this.#declined.set(address, now + DECLINED_HOLD_MS);
    if (this.#declined.size > DECLINED_MAX) {
      const [first] = this.#declined.keys();
      if (first !== undefined) this.#declined.delete(first);
    }
    return true;
  }

  /** Somebody else is there, whose lease may have ended. What is reserved for a node is its own all the same. */
  #isForeign(pool: Pool, mac: MacAddress, address: Ipv4): boolean {
    const isOwn = this.#bound.at(address)?.mac === mac || reservationOf(pool, mac) === address;
    return !isOwn && this.#isPresent(address);
  }

  #choose(pool: Pool, mac: MacAddress, wanted: Ipv4 | undefined, now: number): Ipv4 | undefined {
    const preferred = [
      reservationOf(pool, mac),
      this.#bound.of(mac)?.address,
      this.#offered.of(mac)?.address,
      wanted,
    ];
    for (const address of preferred) {
      if (address !== undefined && this.isAvailable(pool, mac, address, now)) return address;
    }
    for (const address of candidates(pool, mac)) {
      const neverUsed = this.#bound.at(address) === undefined;
      if (neverUsed && this.isAvailable(pool, mac, address, now)) return address;
    }
    const former = this.#bound
      .all()
      .filter(({ address }) => this.isAvailable(pool, mac, address, now));
    return oldestEnded(former, now)?.address;
  }

  #forgetOldOffers(now: number): void {
    for (const offer of this.#offered.all()) {
      if (offer.until > now) return;
      this.#offered.remove(offer.mac);
    }
  }

  #forget(mac: MacAddress): void {
    this.#store.remove(mac);
    this.#bound.remove(mac);
  }
}

function oldestEnded(leases: Iterable<Lease>, now: number): Lease | undefined {
  let oldest: Lease | undefined;
  for (const lease of leases) {
    if (lease.until <= now && (oldest === undefined || lease.until < oldest.until)) oldest = lease;
  }
  return oldest;
}

/** Leases found by MAC and by address; each of both is in it once. */
class LeaseBook {
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

  remove(mac: MacAddress): void {
    const lease = this.#byMac.get(mac);
    if (lease === undefined) return;
    this.#byMac.delete(mac);
    this.#byAddress.delete(lease.address);
  }
}
