import type { Inventory } from "../boot/inventory.ts";
import {
  broadcastOf,
  contains,
  type Ipv4,
  type Ipv4Range,
  ipv4,
  rangeContains,
} from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import type { AddressSet } from "./address-set.ts";
import type { DhcpSubnet } from "./settings.ts";

/** The addresses of one subnet that may be given out, and to whom. */
export interface Pool {
  readonly serverAddress: Ipv4;
  readonly subnet: DhcpSubnet;
  readonly inventory: Inventory;
}

/** The address that the configuration keeps for the node, if a node of this subnet can have it at all. */
export function reservationOf(pool: Pool, mac: MacAddress): Ipv4 | undefined {
  const address = pool.inventory.byMac(mac)?.address;
  return address !== undefined && isHostAddress(pool, address) ? address : undefined;
}

/** Whether the node may have the address, whoever has it now: its reservation, or any of a range that no other node has reserved. */
export function permits(pool: Pool, mac: MacAddress, address: Ipv4): boolean {
  if (!isHostAddress(pool, address)) return false;
  const reservedFor = pool.inventory.byAddress(address);
  if (reservedFor !== undefined) return reservedFor === pool.inventory.byMac(mac);
  return isInRanges(pool.subnet, address);
}

export function isInRanges({ ranges }: DhcpSubnet, address: Ipv4): boolean {
  return ranges.some((range) => rangeContains(range, address));
}

export function rangeSize({ first, last }: Ipv4Range): number {
  return last - first + 1;
}

function isHostAddress({ subnet, serverAddress }: Pool, address: Ipv4): boolean {
  const { network, router, dns } = subnet;
  if (!contains(network, address)) return false;
  if (address === serverAddress || address === router || dns.includes(address)) return false;
  // RFC 3021: networks of two addresses have neither network nor broadcast address.
  if (network.prefix >= 31) return true;
  return address !== network.network && address !== broadcastOf(network);
}

/**
 * Every address of the ranges that is not taken, once, beginning at a place of the node's own: it gets the same address
 * again also where the lease was lost with the state.
 */
export function* candidates(
  { ranges }: DhcpSubnet,
  mac: MacAddress,
  taken: AddressSet,
): Generator<Ipv4> {
  for (const { first, last } of turned(ranges, hash(mac))) {
    let at = taken.firstAbsent(first, last);
    while (at !== undefined) {
      yield at;
      at = at < last ? taken.firstAbsent(ipv4(at + 1), last) : undefined;
    }
  }
}

/** The ranges from their address number `place` (modulo all) on, and then what is before it. */
function turned(ranges: readonly Ipv4Range[], place: number): Ipv4Range[] {
  const total = ranges.reduce((sum, range) => sum + rangeSize(range), 0);
  let skipped = total === 0 ? 0 : place % total;
  for (const [at, range] of ranges.entries()) {
    const size = rangeSize(range);
    if (skipped < size) {
      const middle = ipv4(range.first + skipped);
      const before = { first: range.first, last: ipv4(middle - 1) };
      return [
        { first: middle, last: range.last },
        ...ranges.slice(at + 1),
        ...ranges.slice(0, at),
        ...(skipped === 0 ? [] : [before]),
      ];
    }
    skipped -= size;
  }
  return [];
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return value;
}
