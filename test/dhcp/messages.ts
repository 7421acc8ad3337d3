import { inventoryOf, type KnownNode } from "../../src/boot/inventory.ts";
import { type Ipv4, ipv4, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";
import type { Neighbours } from "../../src/dhcp/conflicts.ts";
import type { Lease, LeaseChanges, LeaseStore, Leases } from "../../src/dhcp/leases.ts";
import type { Pool } from "../../src/dhcp/pool.ts";
import type { DhcpSettings, DhcpSubnet } from "../../src/dhcp/settings.ts";
import { node as nodeWith } from "../boot/node.ts";

/** Client messages written by hand, not by the encoder under test; and what the tests configure. */

export function address(text: string): Ipv4 {
  const value = parseIpv4(text);
  if (value === undefined) throw new Error(`not an address: ${text}`);
  return value;
}

export function mac(text: string): MacAddress {
  const value = parseMac(text);
  if (value === undefined) throw new Error(`not a MAC address: ${text}`);
  return value;
}

/** `52:54:00:00:NN:NN`. */
export function numberedMac(number: number): MacAddress {
  return mac(`52540000${number.toString(16).padStart(4, "0")}`);
}

export interface ClientMessage {
  readonly type: number;
  readonly mac: MacAddress;
  readonly xid?: number;
  readonly flags?: number;
  readonly ciaddr?: Ipv4;
  readonly giaddr?: Ipv4;
  readonly requested?: Ipv4;
  readonly serverId?: Ipv4;
  /** Code and data each. */
  readonly more?: readonly (readonly [number, readonly number[]])[];
}

export function clientMessage(message: ClientMessage): Uint8Array {
  const bytes = new Uint8Array(240);
  const view = new DataView(bytes.buffer);
  bytes.set([1, 1, 6, 0]);
  view.setUint32(4, message.xid ?? 0x12345678);
  view.setUint16(10, message.flags ?? 0);
  view.setUint32(12, message.ciaddr ?? 0);
  view.setUint32(24, message.giaddr ?? 0);
  bytes.set(Buffer.from(message.mac, "hex"), 28);
  bytes.set([0x63, 0x82, 0x53, 0x63], 236);
  const options = [53, 1, message.type];
  if (message.serverId !== undefined) options.push(54, 4, ...octets(message.serverId));
  if (message.requested !== undefined) options.push(50, 4, ...octets(message.requested));
  for (const [code, data] of message.more ?? []) options.push(code, data.length, ...data);
  return Uint8Array.from([...bytes, ...options, 255]);
}

export function octets(value: Ipv4): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

export function ascii(text: string): number[] {
  return [...Buffer.from(text, "latin1")];
}

export const SERVER = address("10.77.0.1");

type Changes = Partial<DhcpSettings & DhcpSubnet>;

/** Of one subnet, which is the pool too; what is changed of that may be said as if it were the settings'. */
export function settingsWith(
  changes: Changes = {},
  nodes: readonly KnownNode[] = [],
): DhcpSettings & Pool {
  const { network, ranges, leaseSeconds, router, dns, domain, ...settings } = changes;
  const subnet = {
    network: network ?? { network: address("10.77.0.0"), prefix: 24 },
    ranges: ranges ?? [{ first: address("10.77.0.50"), last: address("10.77.0.99") }],
    leaseSeconds: leaseSeconds ?? 3600,
    router,
    dns: dns ?? [],
    domain,
  };
  return {
    serverAddress: SERVER,
    subnet,
    subnets: [subnet],
    denyUnknown: false,
    allow: [],
    inventory: inventoryOf(nodes),
    bootFile: () => undefined,
    rootPath: () => undefined,
    ...settings,
  };
}

export function node(macText: string, addressText?: string, name?: string): KnownNode {
  const own = addressText === undefined ? undefined : address(addressText);
  return nodeWith({ mac: mac(macText), name, address: own });
}

/** A disk that is a map. */
export class MemoryStore implements LeaseStore {
  readonly leases = new Map<MacAddress, Lease>();
  /** One that fails, until it is taken away. */
  failure: Error | undefined;
  readonly #holders = new Map<Ipv4, MacAddress>();
  /** Saves that are not done before `finish` is called, where it is slow. */
  readonly #unfinished: (() => void)[] = [];
  isSlow = false;
  saves = 0;

  load(): Lease[] {
    return [...this.leases.values()];
  }

  save(changes: LeaseChanges, done: (error: unknown) => void): void {
    const { failure } = this;
    if (this.isSlow) {
      this.#unfinished.push(() => this.save(changes, done));
      return;
    }
    if (failure === undefined) this.#take(changes);
    // Nothing to write cannot fail.
    done(changes.size === 0 ? undefined : failure);
  }

  /** Does what was to be done so far. */
  finish(): void {
    this.isSlow = false;
    for (const go of this.#unfinished.splice(0)) go();
  }

  #take(changes: LeaseChanges): void {
    if (changes.size > 0) this.saves += 1;
    for (const [mac, lease] of changes) {
      this.leases.delete(mac);
      if (lease === undefined) continue;
      const other = this.#holders.get(lease.address);
      if (other !== undefined && this.leases.get(other)?.address === lease.address) {
        this.leases.delete(other);
      }
      this.#holders.set(lease.address, mac);
      this.leases.set(mac, lease);
    }
  }
}

/** Writes what was bound: throws where the disk does. */
export function save(leases: Leases): void {
  leases.save((error) => {
    if (error !== undefined) throw error;
  });
}

/** Nobody answers by ARP. */
export const nobody: Neighbours = { ask: () => {}, at: () => undefined };

export function rangeOf(first: string, count: number): { first: Ipv4; last: Ipv4 } {
  return { first: address(first), last: ipv4(address(first) + count - 1) };
}
