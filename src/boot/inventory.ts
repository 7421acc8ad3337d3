import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import type { LoaderChoice } from "./loader.ts";

/** A node that the configuration names, by at least one of MAC address, UUID and serial number. */
export interface KnownNode {
  readonly mac: MacAddress | undefined;
  readonly uuid: string | undefined;
  readonly serial: string | undefined;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
  /** Label to boot instead of the default. */
  readonly label: string | undefined;
  /** Loader instead of the room's. */
  readonly loader: LoaderChoice | undefined;
  /** Added to the kernel's command line. */
  readonly append: string | undefined;
  /** Name of its volume; undefined: the address that it boots with. */
  readonly volume: string | undefined;
}

/** What a node says of itself besides its MAC address. */
export type Identified = Pick<KnownNode, "uuid" | "serial">;

/** What a MAC address was heard to be besides. */
export type IdentityOf = (mac: MacAddress) => Identified | undefined;

export interface Inventory {
  /** By the address itself, or by the UUID or serial number that its node was heard to have. */
  byMac(mac: MacAddress): KnownNode | undefined;
  byIdentity(identity: Identified): KnownNode | undefined;
  byName(name: string): KnownNode | undefined;
  byAddress(address: Ipv4): KnownNode | undefined;
  /** Who is at an address: the node that got it last, `mac`; what the configuration says of the address, where we gave it to none. */
  at(address: Ipv4, mac: MacAddress | undefined): KnownNode | undefined;
}

export function inventoryOf(
  nodes: readonly KnownNode[],
  identityOf: IdentityOf = () => undefined,
): Inventory {
  const macs = index(nodes, (node) => node.mac);
  const uuids = index(nodes, (node) => node.uuid);
  const serials = index(nodes, (node) => node.serial?.toLowerCase());
  const names = index(nodes, (node) => node.name);
  const addresses = index(nodes, (node) => node.address);
  const byIdentity = ({ uuid, serial }: Identified): KnownNode | undefined =>
    uuids.get(uuid ?? "") ??
    uuids.get(inOtherOrder(uuid ?? "")) ??
    serials.get(serial?.toLowerCase() ?? "");
  const byMac = (mac: MacAddress): KnownNode | undefined => {
    const named = macs.get(mac);
    if (named !== undefined) return named;
    const identity = identityOf(mac);
    return identity === undefined ? undefined : byIdentity(identity);
  };
  return {
    byMac,
    byIdentity,
    byName: (name) => names.get(name),
    byAddress: (address) => addresses.get(address),
    at: (address, mac) => (mac === undefined ? addresses.get(address) : byMac(mac)),
  };
}

function index<K>(
  nodes: readonly KnownNode[],
  keyOf: (node: KnownNode) => K | undefined,
): ReadonlyMap<K, KnownNode> {
  return new Map(
    nodes.flatMap((node) => {
      const key = keyOf(node);
      return key === undefined ? [] : [[key, node] as const];
    }),
  );
}

/** SMBIOS has the first three fields in little-endian order; some firmware sends its bytes as they are (ipxe/ipxe#542). */
function inOtherOrder(uuid: string): string {
  const [low = "", middle = "", high = "", ...rest] = uuid.split("-");
  return [...[low, middle, high].map(swapped), ...rest].join("-");
}

function swapped(digits: string): string {
  return (digits.match(/../g) ?? []).reverse().join("");
}
