import { contains, type Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  NEIGHBOUR_ASKED_MS,
  NEIGHBOUR_PLACES_MAX,
  NEIGHBOURS_ASKED_PER_SECOND,
  NEIGHBOURS_FOUND_MAX,
} from "../limits.ts";
import type { Exchange } from "./subnet.ts";

/** The kernel's ARP table, for the interface's own network. */
export interface Neighbours {
  /** Lets the kernel ask who has the address. */
  ask(address: Ipv4): void;
  /** Who is known to have it: not who is asked about. */
  at(address: Ipv4): MacAddress | undefined;
}

/**
 * Who uses an address without a lease, as far as it tells us in time (RFC 2131 §2.2 wants servers to probe; to wait for
 * silence would cost every client that time). An address that is new to its node is asked about when it is offered; an answer
 * that has come when it is requested is another's. One that the table had before is no evidence: the kernel keeps
 * entries of nodes that are long gone. The client's own probe is left to find the rest (DECLINE).
 */
export class Conflicts {
  readonly #neighbours: Neighbours;
  /** Since when, milliseconds since 1970; in that order. */
  readonly #asked = new Map<Ipv4, number>();
  /** Where each was found that was at an address of another. */
  readonly #found = new Map<MacAddress, Set<Ipv4>>();
  #second = 0;
  #inSecond = 0;

  constructor(neighbours: Neighbours) {
    this.#neighbours = neighbours;
  }

  /** The address, which was not the node's, is offered to it. */
  offered({ settings }: Pick<Exchange, "settings">, address: Ipv4, now: number): void {
    for (const [earlier, at] of this.#asked) {
      if (now - at < NEIGHBOUR_ASKED_MS) break;
      this.#asked.delete(earlier);
    }
    const [own] = settings.subnets;
    if (own === undefined || !contains(own.network, address) || !this.#isWithinRate(now)) return;
    this.#asked.delete(address);
    if (this.#neighbours.at(address) !== undefined) return;
    this.#neighbours.ask(address);
    this.#asked.set(address, now);
  }

  /** Who else answers at the address that the node asks for. */
  at({ request, settings }: Exchange, address: Ipv4): MacAddress | undefined {
    if (!this.#asked.delete(address)) return undefined;
    const found = this.#neighbours.at(address);
    if (found === undefined || found === request.mac) return undefined;
    const node = settings.inventory.byMac(found);
    const isItsOwn = node !== undefined && node === settings.inventory.byMac(request.mac);
    return isItsOwn || this.#answersForOthers(found, address) ? undefined : found;
  }

  /** A router with proxy ARP (RFC 1027) answers for every address: that none is free is not what it says. */
  #answersForOthers(found: MacAddress, address: Ipv4): boolean {
    const places = this.#found.get(found) ?? new Set();
    const [oldest] = this.#found.size < NEIGHBOURS_FOUND_MAX ? [] : this.#found.keys();
    if (oldest !== undefined) this.#found.delete(oldest);
    this.#found.set(found, places);
    if (places.size <= NEIGHBOUR_PLACES_MAX) places.add(address);
    return places.size > NEIGHBOUR_PLACES_MAX;
  }

  #isWithinRate(now: number): boolean {
    const second = Math.floor(now / 1000);
    if (second !== this.#second) this.#inSecond = 0;
    this.#second = second;
    this.#inSecond += 1;
    return this.#inSecond <= NEIGHBOURS_ASKED_PER_SECOND;
  }
}
