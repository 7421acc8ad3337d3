import type { Inventory } from "../boot/inventory.ts";
import {
  broadcastOf,
  type Cidr,
  contains,
  type Ipv4,
  type Ipv4Range,
  ipv4,
  rangeContains,
} from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";

/** The addresses that may be given out, and to whom. */
export interface Pool {
  readonly serverAddress: Ipv4;
  readonly subnet: Cidr;
  readonly ranges: readonly Ipv4Range[];
  readonly router: Ipv4 | undefined;
  readonly dns: readonly Ipv4[];
  readonly inventory: Inventory;
}

/** The address that the configuration keeps for the node, if a node can have it at all. */
export function reservationOf(pool: Pool, mac: MacAddress): Ipv4 | undefined {
  const address = pool.inventory.byMac(mac)?.address;
  return address !== undefined && isHostAddress(pool, address) ? address : undefined;
}

/** Whether the node may have the address, whoever has it now: its reservation, or any of a range that no other node has reserved. */
export function permits(pool: Pool, mac: MacAddress, address: Ipv4): boolean {
  if (!isHostAddress(pool, address)) return false;
  const reservedFor = pool.inventory.byAddress(address)?.mac;
  if (reservedFor !== undefined) return reservedFor === mac;
  return pool.ranges.some((range) => rangeContains(range, address));
}

function isHostAddress(pool: Pool, address: Ipv4): boolean {
  if (!contains(pool.subnet, address)) return false;
  if (address === pool.serverAddress || address === pool.router) return false;
  if (pool.dns.includes(address)) return false;
  // RFC 3021: networks of two addresses have neither network nor broadcast address.
  if (pool.subnet.prefix >= 31) return true;
  return address !== pool.subnet.network && address !== broadcastOf(pool.subnet);
}

/**
 * Every address of the ranges once, beginning at a place of the node's own: it gets the same address again
 * also where the lease was lost with the state.
 */
export function* candidates(pool: Pool, mac: MacAddress): Generator<Ipv4> {
  const sizes = pool.ranges.map((range) => range.last - range.first + 1);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const start = total === 0 ? 0 : hash(mac) % total;
  for (let step = 0; step < total; step += 1) {
    let index = (start + step) % total;
    for (const [at, range] of pool.ranges.entries()) {
      const size = sizes[at] ?? 0;
      if (index < size) {
        yield ipv4(range.first + index);
        break;
      }
      index -= size;
    }
  }
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) {
    value = Math.imul(value ^ text.charCodeAt(at), 0x01000193) >>> 0;
  }
  return value;
}
