import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";

/** A node that the configuration names. */
export interface KnownNode {
  readonly mac: MacAddress;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
  /** Label to boot instead of the default. */
  readonly label: string | undefined;
  /** Added to the kernel's command line. */
  readonly append: string | undefined;
  /** Name of its volume; undefined: the address that it boots with. */
  readonly volume: string | undefined;
}

export interface Inventory {
  byMac(mac: MacAddress): KnownNode | undefined;
  byName(name: string): KnownNode | undefined;
  byAddress(address: Ipv4): KnownNode | undefined;
  /** Who is at an address: the node that got it last, `mac`; what the configuration says of the address, where we gave it to none. */
  at(address: Ipv4, mac: MacAddress | undefined): KnownNode | undefined;
}

export function inventoryOf(nodes: readonly KnownNode[]): Inventory {
  const macs = new Map(nodes.map((node) => [node.mac, node]));
  const names = new Map(
    nodes.flatMap((node) => (node.name === undefined ? [] : [[node.name, node] as const])),
  );
  const addresses = new Map(
    nodes.flatMap((node) => (node.address === undefined ? [] : [[node.address, node] as const])),
  );
  return {
    byMac: (mac) => macs.get(mac),
    byName: (name) => names.get(name),
    byAddress: (address) => addresses.get(address),
    at: (address, mac) => (mac === undefined ? addresses.get(address) : macs.get(mac)),
  };
}
