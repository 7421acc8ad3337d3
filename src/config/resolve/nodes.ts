import { isAdminVolume } from "../../bytes/admin-volume.ts";
import { broadcastOf, contains, formatCidr, formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import { formatMac } from "../../bytes/mac.ts";
import { NODES_MAX } from "../../limits.ts";
import type { InterfaceAddress } from "../../net/interfaces.ts";
import type { DhcpConfig, LabelConfig, NodeConfig, SubnetConfig } from "../config.ts";
import type { Pattern } from "../patterns.ts";
import type { Written, WrittenNode } from "../schema.ts";
import type { Path, Source } from "../source.ts";
import { inNetworks, knownLabel } from "./places.ts";

interface Room {
  readonly own: InterfaceAddress;
  readonly dhcp: DhcpConfig;
  readonly labels: ReadonlyMap<string, LabelConfig>;
}

/** Each entry's nodes: one, or as many as its patterns stand for. */
export function nodesOf({ nodes = [] }: Written, source: Source, room: Room): NodeConfig[] {
  const counts = nodes.map((entry, index) => countOf(entry, index, source));
  const all = counts.reduce((sum, count) => sum + count, 0);
  if (all > NODES_MAX) {
    throw source.complain(
      ["nodes"],
      `expected at most ${NODES_MAX} nodes, found ${all} with those that patterns stand for`,
    );
  }
  const claims = new Claims(source);
  return nodes.flatMap((entry, index) => {
    checkEntry(entry, ["nodes", index], source, room);
    return Array.from({ length: counts[index] ?? 0 }, (_, at) => {
      const node = nodeOf(entry, index, at);
      claims.claim(node);
      checkAddress(node, ["nodes", index, "ip"], source, room);
      return node;
    });
  });
}

function patternsIn(entry: WrittenNode): (readonly [string, Pattern<unknown>])[] {
  const { mac, uuid, serial, name, ip, volume } = entry;
  const patterns = { mac, uuid, serial, name, ip, volume: volume?.name };
  return Object.entries(patterns).flatMap(([key, pattern]) =>
    pattern === undefined ? [] : [[key, pattern] as const],
  );
}

/** What one entry says of each of its nodes must be as many: two nodes have neither one name nor one address. */
function countOf(entry: WrittenNode, index: number, source: Source): number {
  const { mac, uuid, serial } = entry;
  if (mac === undefined && uuid === undefined && serial === undefined) {
    throw source.complain(
      ["nodes", index],
      "expected mac:, uuid: or serial: to know the node by, found none",
    );
  }
  const patterns = patternsIn(entry);
  const [first] = patterns;
  const other = patterns.find(([, { count }]) => count !== first?.[1].count);
  if (first !== undefined && other !== undefined) {
    const say = ([key, { text, count }]: typeof other) => `${key}: ${text} is ${count}`;
    throw source.complain(
      ["nodes", index, other[0]],
      `expected patterns of one number of nodes: ${say(first)}, ${say(other)}`,
    );
  }
  return first?.[1].count ?? 0;
}

function checkEntry(entry: WrittenNode, path: Path, source: Source, room: Room): void {
  knownLabel(source, [...path, "label"], entry.label, room.labels);
  const { mode } = room.dhcp;
  if (entry.volume?.name !== undefined && mode !== "server" && entry.ip === undefined) {
    throw source.complain(
      [...path, "volume"],
      `needs the node's ip: too: with dhcp.mode ${mode} a node is known by nothing else`,
    );
  }
}

/** Where another server gives the addresses, they may be of networks that we know nothing of. */
function checkAddress({ address }: NodeConfig, path: Path, source: Source, room: Room): void {
  if (address === undefined) return;
  if (address === room.own.address) {
    throw source.complain(path, "is the server's own address; choose another");
  }
  if (room.dhcp.mode !== "server") return;
  const { subnets } = room.dhcp;
  const networks = subnets.map((subnet) => subnet.network);
  inNetworks(source, path, address, networks);
  const subnet = subnets.find(({ network }) => contains(network, address));
  const owner = subnet && ownerOf(address, subnet);
  if (owner === undefined) return;
  throw source.complain(path, `${formatIpv4(address)} is ${owner}; choose another`);
}

/** Whose the address is that DHCP so gives to no node; undefined: nobody's. */
function ownerOf(address: Ipv4, { network, router, dns }: SubnetConfig): string | undefined {
  if (address === router) return "the router's address";
  if (dns.includes(address)) return "a name server's address";
  // RFC 3021: networks of two addresses have neither network nor broadcast address.
  if (network.prefix >= 31) return undefined;
  if (address === network.network)
    return `the address of the network ${formatCidr(network)} itself`;
  return address === broadcastOf(network)
    ? `the broadcast address of ${formatCidr(network)}`
    : undefined;
}

function nodeOf(entry: WrittenNode, index: number, at: number): NodeConfig {
  const { mac, uuid, serial, name, ip, label, loader, append, volume } = entry;
  return {
    entry: index,
    mac: mac?.at(at),
    uuid: uuid?.at(at),
    serial: serial?.at(at),
    name: name?.at(at),
    address: ip?.at(at),
    label,
    loader,
    append,
    volume: { name: volume?.name?.at(at), bytes: volume?.size },
  };
}

/** What is one node's is no other's. */
class Claims {
  readonly #source: Source;
  readonly #seen = new Map<string, number>();

  constructor(source: Source) {
    this.#source = source;
  }

  claim({ entry: index, mac, uuid, serial, name, address, volume }: NodeConfig): void {
    this.#once(index, "mac", mac === undefined ? undefined : formatMac(mac));
    this.#once(index, "uuid", uuid);
    this.#once(index, "serial", serial);
    this.#once(index, "name", name);
    this.#once(index, "ip", address === undefined ? undefined : formatIpv4(address));
    this.#once(index, "volume", volume.name);
    if (volume.name !== undefined && isAdminVolume(volume.name)) {
      throw this.#source.complain(
        ["nodes", index, "volume"],
        `${volume.name} is what a node writes to that boots the label admin; choose another`,
      );
    }
  }

  #once(index: number, key: string, text: string | undefined): void {
    if (text === undefined) return;
    const claim = `${key} ${text.toLowerCase()}`;
    const other = this.#seen.get(claim);
    if (other !== undefined) {
      throw this.#source.complain(
        ["nodes", index, key],
        `${text} is already that of nodes[${other}]`,
      );
    }
    this.#seen.set(claim, index);
  }
}
