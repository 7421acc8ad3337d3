import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  DECLINED_HOLD_MS,
  DECLINED_MAX,
  LEASE_GRACE_MS,
  LEASES_MAX,
  OFFER_HOLD_MS,
  OFFERS_MAX,
  REUSE_COMPARED_MAX,
} from "../limits.ts";
import { AddressSet } from "./address-set.ts";
import { LeaseBook, LeaseEnds } from "./lease-book.ts";
import { candidates, isInRanges, type Pool, permits, reservationOf } from "./pool.ts";
import type { DhcpSubnet } from "./settings.ts";

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

/** Each node's lease, or that it has none any more. */
export type LeaseChanges = ReadonlyMap<MacAddress, Lease | undefined>;

/** Where leases outlive the process. Each address is in it once, and each MAC address. */
export interface LeaseStore {
  load(): readonly Lease[];
  /** All or none. Throws nothing: `done` is called when they are on disk, at once or later, or with why they cannot be. */
  save(changes: LeaseChanges, done: (error: unknown) => void): void;
}

export type NoAddress = "pool-exhausted";

export class Leases {
  readonly #store: LeaseStore;
  readonly #bound = new LeaseBook();
  /** Those of `#bound` that have ended, in the order in which they did. */
  readonly #ended = new Map<MacAddress, Lease>();
  readonly #ends = new LeaseEnds();
  /** In the order in which they end, because each is held equally long. */
  readonly #offered = new LeaseBook();
  /** Addresses that somebody uses without a lease, until when; in the order in which they end. */
  readonly #declined = new Map<Ipv4, number>();
  /** Bound and not ended, offered, or declined. */
  readonly #taken = new AddressSet();
  /** Those, and bound and ended. */
  readonly #used = new AddressSet();
  /** What is not on disk as it is here: each with what is there. */
  #unsaved = new Map<MacAddress, Lease | undefined>();

  readonly #isPresent: (address: Ipv4) => boolean;

  constructor(store: LeaseStore, isPresent: (address: Ipv4) => boolean = () => false) {
    this.#store = store;
    this.#isPresent = isPresent;
    for (const lease of store.load()) this.#put(lease);
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

  /** How many addresses are in use: for people, not for each message. */
  countRunning(now: number): number {
    return this.#bound.all().reduce((sum, { until }) => sum + (until > now ? 1 : 0), 0);
  }

  /** How many of the subnet's addresses are taken, by leases that run and by offers: for people, not for each message. */
  countIn(subnet: DhcpSubnet, now: number): { leases: number; offers: number } {
    const count = (book: LeaseBook): number =>
      book.all().reduce((sum, { address, until }) => {
        return until > now && isInRanges(subnet, address) ? sum + 1 : sum;
      }, 0);
    return { leases: count(this.#bound), offers: count(this.#offered) };
  }

  /** Whether the node may be bound to the address now: permitted to it, and with nobody else. */
  isAvailable(pool: Pool, mac: MacAddress, address: Ipv4, now: number): boolean {
    if (!permits(pool, mac, address)) return false;
    if ((this.#declined.get(address) ?? 0) > now) return false;
    if (this.#isForeign(pool, mac, address)) return false;
    return (
      isFreeFor(mac, this.#bound.at(address), now) && isFreeFor(mac, this.#offered.at(address), now)
    );
  }

  /** RFC 2131 §4.3.1: chooses an address for the node and keeps it from others while the offer stands. */
  offer(pool: Pool, mac: MacAddress, wanted: Ipv4 | undefined, now: number): Ipv4 | NoAddress {
    this.#forgetEnded(now);
    const address = this.#choose(pool, mac, wanted, now) ?? this.#takeOffered(pool, mac, now);
    if (address === undefined) return "pool-exhausted";
    // What is the node's already needs no holding: a flood of strangers cannot keep it from the node.
    const isOwn = reservationOf(pool, mac) === address || this.at(address, now)?.mac === mac;
    if (isOwn) return address;
    this.withdrawOffer(mac);
    // An offer that is forgotten still holds where the address is free when it is requested.
    const [oldest] = this.#offered.size < OFFERS_MAX ? [] : this.#offered.all().take(1);
    if (oldest !== undefined) this.withdrawOffer(oldest.mac);
    this.#offered.set({ mac, address, until: now + OFFER_HOLD_MS });
    this.#mark(address);
    return address;
  }

  /** The node took another server's offer. */
  withdrawOffer(mac: MacAddress): void {
    const offer = this.#offered.remove(mac);
    if (offer !== undefined) this.#mark(offer.address);
  }

  /**
   * Gives the node the address, which is available to it, until then at least: to be said once `save` is done.
   * Undefined: there is no room for one more lease.
   */
  bind(mac: MacAddress, address: Ipv4, until: number, now: number): Lease | undefined {
    this.withdrawOffer(mac);
    const before = this.#bound.of(mac);
    if (before?.address === address && before.until >= until) {
      // Much longer is as wrong as shorter: the lease time was changed.
      if (before.until <= until + LEASE_GRACE_MS) return before;
    }
    if (before === undefined && this.#bound.size >= LEASES_MAX) {
      this.#forgetEnded(now);
      const [oldest] = this.#ended.keys();
      if (oldest === undefined) return undefined;
      this.#change(oldest, undefined);
    }
    const lease = { mac, address, until: until + LEASE_GRACE_MS };
    this.#change(mac, lease);
    return lease;
  }

  /** RFC 2131 §4.3.4: the node is done with the address, which it gets again if it can. False: it is not the node's. */
  release(mac: MacAddress, address: Ipv4, now: number): boolean {
    const lease = this.#bound.of(mac);
    if (lease?.address !== address || lease.until <= now) return false;
    this.#change(mac, { ...lease, until: now });
    return true;
  }

  /** RFC 2131 §4.3.3: somebody uses the address without a lease. False: it is not the node's to decline. */
  decline(mac: MacAddress, address: Ipv4, now: number): boolean {
    if (this.#bound.of(mac)?.address !== address) return false;
    this.#change(mac, undefined);
    this.avoid(address, now);
    return true;
  }

  /** Gives the address to nobody for a while. */
  avoid(address: Ipv4, now: number): void {
    this.#declined.delete(address);
    this.#declined.set(address, now + DECLINED_HOLD_MS);
    this.#mark(address);
    const [first] = this.#declined.keys();
    if (first !== undefined && this.#declined.size > DECLINED_MAX) this.#forgive(first);
  }

  get isSaved(): boolean {
    return this.#unsaved.size === 0;
  }

  /** Writes what changed since the last time; not again before it is done. What could not be written did not happen. */
  save(done: (error: unknown) => void): void {
    const before = this.#unsaved;
    this.#unsaved = new Map();
    const changes = new Map<MacAddress, Lease | undefined>();
    for (const mac of before.keys()) changes.set(mac, this.#bound.of(mac));
    this.#store.save(changes, (error) => {
      if (error !== undefined) this.#undo(before, changes);
      done(error);
    });
  }

  /** Except where more has happened meanwhile. */
  #undo(before: LeaseChanges, changes: LeaseChanges): void {
    const undone = [...before].filter(([mac]) => this.#bound.of(mac) === changes.get(mac));
    for (const [mac] of undone) this.#drop(mac);
    for (const [, lease] of undone) {
      const isFree = lease !== undefined && this.#bound.at(lease.address) === undefined;
      if (isFree) this.#put(lease);
    }
  }

  /** Somebody else is there, whose lease may have ended. What is reserved for a node is its own all the same. */
  #isForeign(pool: Pool, mac: MacAddress, address: Ipv4): boolean {
    if (!this.#isPresent(address)) return false;
    return this.#bound.at(address)?.mac !== mac && reservationOf(pool, mac) !== address;
  }

  #choose(pool: Pool, mac: MacAddress, wanted: Ipv4 | undefined, now: number): Ipv4 | undefined {
    const isAvailable = (address: Ipv4): boolean => this.isAvailable(pool, mac, address, now);
    const preferred = [
      reservationOf(pool, mac),
      this.#bound.of(mac)?.address,
      this.#offered.of(mac)?.address,
      wanted,
    ];
    for (const address of preferred) {
      if (address !== undefined && isAvailable(address)) return address;
    }
    const neverUsed = candidates(pool.subnet, mac, this.#used).find(isAvailable);
    if (neverUsed !== undefined) return neverUsed;
    return candidates(pool.subnet, mac, this.#taken)
      .filter(isAvailable)
      .take(REUSE_COMPARED_MAX)
      .reduce<Lease | undefined>((oldest, address) => {
        const former = this.#bound.at(address);
        return oldest === undefined || (former?.until ?? 0) < oldest.until ? former : oldest;
      }, undefined)?.address;
  }

  /** An address that is only offered to a stranger, for a node of the inventory: a flood of DISCOVERs keeps none from those. */
  #takeOffered(pool: Pool, mac: MacAddress, now: number): Ipv4 | undefined {
    const { inventory } = pool;
    if (inventory.byMac(mac) === undefined) return undefined;
    for (const offer of this.#offered.all()) {
      if (inventory.byMac(offer.mac) !== undefined) continue;
      if (!permits(pool, mac, offer.address) || this.at(offer.address, now) !== undefined) continue;
      this.withdrawOffer(offer.mac);
      return offer.address;
    }
    return undefined;
  }

  #forgetEnded(now: number): void {
    for (let lease = this.#ends.take(now); lease; lease = this.#ends.take(now)) {
      if (this.#bound.of(lease.mac) !== lease) continue;
      this.#ended.set(lease.mac, lease);
      this.#mark(lease.address);
    }
    for (const offer of this.#offered.all()) {
      if (offer.until > now) break;
      this.withdrawOffer(offer.mac);
    }
    for (const [address, until] of this.#declined) {
      if (until > now) break;
      this.#forgive(address);
    }
  }

  #forgive(address: Ipv4): void {
    this.#declined.delete(address);
    this.#mark(address);
  }

  /** Takes the place of what was there for the node and for the address. */
  #change(mac: MacAddress, lease: Lease | undefined): void {
    this.#note(mac);
    const displaced = lease && this.#bound.at(lease.address);
    if (displaced !== undefined && displaced.mac !== mac) {
      this.#note(displaced.mac);
      this.#drop(displaced.mac);
    }
    this.#drop(mac);
    if (lease !== undefined) this.#put(lease);
  }

  #note(mac: MacAddress): void {
    if (!this.#unsaved.has(mac)) this.#unsaved.set(mac, this.#bound.of(mac));
  }

  #put(lease: Lease): void {
    this.#bound.set(lease);
    if (lease.until !== Number.POSITIVE_INFINITY) this.#ends.add(lease);
    // Each renewal leaves one behind.
    if (this.#ends.size > 2 * LEASES_MAX) {
      this.#ends.keep((other) => this.#bound.of(other.mac) === other);
    }
    this.#mark(lease.address);
  }

  #drop(mac: MacAddress): void {
    const lease = this.#bound.remove(mac);
    this.#ended.delete(mac);
    if (lease !== undefined) this.#mark(lease.address);
  }

  #mark(address: Ipv4): void {
    const lease = this.#bound.at(address);
    const isHeld = this.#offered.at(address) !== undefined || this.#declined.has(address);
    this.#taken.put(address, isHeld || (lease !== undefined && !this.#ended.has(lease.mac)));
    this.#used.put(address, isHeld || lease !== undefined);
  }
}

function isFreeFor(mac: MacAddress, lease: Lease | undefined, now: number): boolean {
  return lease === undefined || lease.mac === mac || lease.until <= now;
}
