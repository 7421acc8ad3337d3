import process from "node:process";
import type { NodeFacts } from "../boot/facts.ts";
import { inventoryOf, type KnownNode } from "../boot/inventory.ts";
import {
  type Cidr,
  contains,
  formatCidr,
  formatIpv4,
  type Ipv4Range,
  parseIpv4Range,
} from "../bytes/ipv4.ts";
import { formatMac, type MacAddress, parseMac } from "../bytes/mac.ts";
import type { LeaseStore } from "../dhcp/leases.ts";
import { serveDhcp as serve } from "../dhcp/server.ts";
import type { DhcpSettings, DhcpSubnet } from "../dhcp/settings.ts";
import { LEASE_SECONDS_MAX, LEASE_SECONDS_MIN } from "../limits.ts";
import { systemClock } from "../net/clock.ts";
import { openState } from "../state/state.ts";
import { UserError } from "../user-error.ts";
import type { BootEvent } from "../watch/events.ts";
import { hostAddress, network, warn } from "./options.ts";

/**
 * `sidus/dhcp`: a DHCP server (RFC 2131) in this process that tells firmware what to boot, for programs of your own, and
 * the codec that it is made of: bytes ⇄ `DhcpPacket`, where malformed bytes are a value (`isMalformed`).
 */

export { isMalformed, type Malformed } from "../bytes/malformed.ts";
export { MessageType, Option } from "../dhcp/options.ts";
export {
  type DhcpOption,
  type DhcpPacket,
  decodePacket,
  encodePacket,
  findOption,
  Op,
} from "../dhcp/packet.ts";
export { UserError } from "../user-error.ts";
export type { BootEvent as DhcpEvent } from "../watch/events.ts";

export interface DhcpServerOptions {
  /** The server's own address: the interface that has it is served, and no other. */
  readonly host: string;
  /** Unless written: 67; answers go to the port after it. */
  readonly port?: number;
  /** The interface's own network first; others are reached through relays. */
  readonly subnets: readonly Subnet[];
  /** Who has a name or an address of its own. */
  readonly hosts?: readonly Host[];
  /** What firmware is to fetch: a path for TFTP, or a URL. Unless written: nothing. */
  readonly bootFile?: (client: Client) => string | undefined;
  /** Directory of an SQLite file where leases outlive the process. Unless written: in memory. */
  readonly state?: string;
  /** Told of each exchange, and of what was refused. */
  readonly onEvent?: (event: BootEvent) => void;
  /** Told, for people, of what they should do something about. Unless written: a warning of the process. */
  readonly onWarning?: (text: string) => void;
  /** Told of what went wrong inside; the server goes on. Unless written: a warning of the process. */
  readonly onError?: (error: Error) => void;
}

export interface Subnet {
  /** As `10.0.0.0/24`. */
  readonly network: string;
  /** As `10.0.0.50-10.0.0.99`. */
  readonly ranges?: readonly string[];
  /** Unless written: 12 hours. */
  readonly leaseSeconds?: number | "infinite";
  readonly router?: string;
  readonly dns?: readonly string[];
  readonly domain?: string;
}

export interface Host {
  /** As `52:54:00:77:00:01`. */
  readonly mac: string;
  readonly name?: string;
  readonly address?: string;
}

/** What a client says of itself. */
export interface Client {
  readonly mac: string;
  /** Lower case with dashes; undefined where its firmware says none. */
  readonly uuid: string | undefined;
  /** RFC 4578 §2.1: 0 is BIOS, 7 and 9 are UEFI on x64, 11 on ARM64; undefined: no firmware asks. */
  readonly architecture: number | undefined;
  readonly isIpxe: boolean;
  /** UEFI HTTP boot: it wants a URL. */
  readonly isHttpClient: boolean;
}

export interface DhcpServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Of a MAC address, as long as its lease runs. */
  addressOf(mac: string): string | undefined;
  close(): Promise<void>;
}

/** Starts a server; answers when it listens. @throws UserError for options that make no sense, or a port in use. */
export async function serveDhcp(options: DhcpServerOptions): Promise<DhcpServer> {
  const { host, port = 67, state, onEvent = () => {}, onError = warn } = options;
  checkPort(port);
  const settings = settingsOf(options);
  await using opened = new AsyncDisposableStack();
  const store = state === undefined ? inMemory : opened.use(openState(state)).leases;
  const server = opened.use(
    await serve({
      settings: () => settings,
      clock: systemClock,
      store,
      isPresent: () => false,
      learn() {},
      tell: onEvent,
      warn: options.onWarning ?? ((text) => process.emitWarning(text)),
      report: (what, cause) => onError(new Error(what, { cause })),
      ports: { server: port, client: port + 1 },
    }),
  );
  const open = opened.move();
  const close = (): Promise<void> => open.disposeAsync();
  return {
    host,
    port: server.port,
    addressOf(mac) {
      const address = server.addressOf(macOf(mac));
      return address === undefined ? undefined : formatIpv4(address);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

const inMemory: LeaseStore = {
  load: () => [],
  save: (_, done) => done(undefined),
};

function settingsOf({ host, subnets, hosts = [], bootFile }: DhcpServerOptions): DhcpSettings {
  return {
    serverAddress: hostAddress(host),
    subnets: subnets.map(subnetOf),
    inventory: inventoryOf(hosts.map(nodeOf)),
    denyUnknown: false,
    allow: [],
    bootFile: (facts) => bootFile?.(clientOf(facts)),
    rootPath: () => undefined,
  };
}

/** Relays are answered at it, clients at the one after it. */
function checkPort(port: number): void {
  if (Number.isInteger(port) && port >= 1 && port < 65_535) return;
  throw new UserError(`port: expected a number from 1 to 65534, found ${port}`);
}

function subnetOf(given: Subnet): DhcpSubnet {
  const { ranges = [], leaseSeconds = 12 * 3600, router, dns = [], domain } = given;
  if (leaseSeconds !== "infinite" && !isLeaseTime(leaseSeconds)) {
    throw new UserError(
      `leaseSeconds: expected ${LEASE_SECONDS_MIN} to ${LEASE_SECONDS_MAX}, or "infinite"`,
    );
  }
  const cidr = network("network")(given.network);
  return {
    network: cidr,
    ranges: ranges.map((text) => rangeOf(text, cidr)),
    leaseSeconds,
    router: router === undefined ? undefined : hostAddress(router),
    dns: dns.map(hostAddress),
    domain,
  };
}

function isLeaseTime(seconds: number): boolean {
  return seconds >= LEASE_SECONDS_MIN && seconds <= LEASE_SECONDS_MAX;
}

function rangeOf(text: string, network: Cidr): Ipv4Range {
  const range = parseIpv4Range(text);
  if (range === undefined) {
    throw new UserError(`ranges: expected FIRST-LAST, as 10.0.0.50-10.0.0.99, found "${text}"`);
  }
  if (contains(network, range.first) && contains(network, range.last)) return range;
  throw new UserError(`ranges: expected addresses of ${formatCidr(network)}, found "${text}"`);
}

function nodeOf({ mac, name, address }: Host): KnownNode {
  return {
    mac: macOf(mac),
    uuid: undefined,
    serial: undefined,
    name,
    address: address === undefined ? undefined : hostAddress(address),
    label: undefined,
    loader: undefined,
    append: undefined,
    volume: undefined,
  };
}

function macOf(text: string): MacAddress {
  const mac = parseMac(text);
  if (mac !== undefined) return mac;
  throw new UserError(`mac: expected a MAC address, as 52:54:00:77:00:01, found "${text}"`);
}

function clientOf({ mac, uuid, architecture, isIpxe, isHttpClient }: NodeFacts): Client {
  return { mac: formatMac(mac), uuid, architecture, isIpxe, isHttpClient };
}
