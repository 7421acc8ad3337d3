import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { type Cidr, contains, type Ipv4, parseCidr, parseIpv4 } from "../../bytes/ipv4.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { interfaceAddresses } from "../../net/interfaces.ts";
import type { StormServers } from "../../storm/servers.ts";
import { UserError } from "../../user-error.ts";
import { numberIn } from "./values.ts";

/** Servers that are not ours, on this machine or elsewhere. */

export interface ForeignGiven {
  readonly dhcp?: string;
  readonly tftp?: string;
  readonly http?: string;
  readonly nfs?: string;
  readonly nfsPath?: string;
  readonly mountPort?: string;
  readonly iscsi?: string;
  readonly target?: string;
  readonly initiator?: string;
  readonly addresses?: string;
  readonly relay?: string;
  readonly serverPid?: string;
}

export interface ForeignServers {
  readonly servers: StormServers;
  readonly addresses: Cidr | undefined;
  readonly relay: Ipv4 | undefined;
  readonly pids: readonly number[];
}

const PORTMAP_PORT = 111;
/** Linux: /proc/sys/kernel/pid_max at most. */
const PID_MAX = 4_194_304;

/** Undefined: none is named, so that the storm brings its own. @throws UserError */
export async function foreignServers(given: ForeignGiven): Promise<ForeignServers | undefined> {
  const { dhcp, tftp, http, nfs, iscsi } = given;
  if ([dhcp, tftp, http, nfs, iscsi].every((one) => one === undefined)) {
    refuseAlone(given);
    return undefined;
  }
  refuseUnused(given);
  const dhcpServer = await endpointIn("--dhcp", dhcp, 67);
  return {
    servers: {
      dhcp: dhcpServer,
      tftp: await endpointIn("--tftp", tftp, 69),
      http: await endpointIn("--http", http, 80),
      nfs: await nfsIn(given),
      iscsi: await iscsiIn(given),
    },
    addresses: given.addresses === undefined ? undefined : networkIn(given.addresses),
    relay: dhcpServer === undefined ? undefined : relayIn(given.relay, dhcpServer),
    pids: (given.serverPid ?? "")
      .split(",")
      .filter((pid) => pid.trim() !== "")
      .map((pid) => pidIn(pid.trim())),
  };
}

/** Of one that is not there, all that is measured would be 0. */
function pidIn(text: string): number {
  const pid = numberIn("--server-pid", text, 1, PID_MAX);
  if (existsSync(`/proc/${pid}`)) return pid;
  throw new UserError(`--server-pid ${pid}: expected a process that runs on this machine`);
}

function refuseAlone(given: ForeignGiven): void {
  const { addresses, serverPid } = given;
  const others = { "--addresses": addresses, "--server-pid": serverPid };
  const named = [...ofOneServer(given), ...Object.entries(others)].find(([, value]) => value);
  if (named !== undefined)
    throw new UserError(
      `${named[0]} is for servers of others: name them with --dhcp, --tftp, --http, --nfs or --iscsi`,
    );
}

/** What is said about a server that is left out. */
function refuseUnused(given: ForeignGiven): void {
  const wrong = ofOneServer(given).find(
    ([, value, server]) => value && given[server] === undefined,
  );
  if (wrong === undefined) return;
  const [option, , server] = wrong;
  throw new UserError(
    `${option} is about --${server}, which is not named: name it, or leave this out`,
  );
}

type Named = readonly [option: string, value: string | undefined, server: "dhcp" | "nfs" | "iscsi"];

function ofOneServer(given: ForeignGiven): readonly Named[] {
  const { nfsPath, mountPort, target, initiator, relay } = given;
  return [
    ["--nfs-path", nfsPath, "nfs"],
    ["--mount-port", mountPort, "nfs"],
    ["--target", target, "iscsi"],
    ["--initiator", initiator, "iscsi"],
    ["--relay", relay, "dhcp"],
  ];
}

/** As a mount with `port=` and `mountport=` does: where both are said, no portmapper is asked. */
async function nfsIn({ nfs, nfsPath, mountPort }: ForeignGiven): Promise<StormServers["nfs"]> {
  const found = await endpointIn("--nfs", nfs, PORTMAP_PORT);
  if (found === undefined) return undefined;
  const { address } = found;
  const port = found.port === PORTMAP_PORT ? undefined : found.port;
  const mount =
    mountPort === undefined ? undefined : numberIn("--mount-port", mountPort, 1, 65_535);
  const isSaid = port !== undefined && mount !== undefined;
  return { address, portmap: isSaid ? undefined : PORTMAP_PORT, nfs: port, mount, path: nfsPath };
}

async function iscsiIn({ iscsi, target, initiator }: ForeignGiven): Promise<StormServers["iscsi"]> {
  const local = await endpointIn("--iscsi", iscsi, 3260);
  return local === undefined ? undefined : { local, target, initiator };
}

/** `10.0.0.5`, `10.0.0.5:2049`, `server.example:80` */
async function endpointIn(
  option: string,
  text: string | undefined,
  usual: number,
): Promise<Endpoint | undefined> {
  if (text === undefined) return undefined;
  const [, host = "", port] = /^([^:\s]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (host === "")
    throw new UserError(
      `${option} ${text}: expected a host and maybe a port, as 10.0.0.5:${usual}`,
    );
  return {
    address: parseIpv4(host) ?? (await addressOf(option, host)),
    port: port === undefined ? usual : numberIn(option, port, 1, 65_535),
  };
}

async function addressOf(option: string, host: string): Promise<Ipv4> {
  try {
    const { address } = await lookup(host, 4);
    const found = parseIpv4(address);
    if (found !== undefined) return found;
  } catch {
    // It is said below.
  }
  throw new UserError(
    `${option} ${host}: no IPv4 address is known for it; write the address itself`,
  );
}

function networkIn(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr !== undefined) return cidr;
  throw new UserError(
    `--addresses ${text}: expected a network with no bits behind its prefix, as 10.13.128.0/17`,
  );
}

function relayIn(text: string | undefined, { address: server }: Endpoint): Ipv4 {
  const written = text === undefined ? undefined : parseIpv4(text);
  if (written !== undefined) return written;
  if (text !== undefined)
    throw new UserError(`--relay ${text}: expected an address of this machine, as 10.0.0.7`);
  const own = interfaceAddresses().find(({ subnet }) => contains(subnet, server));
  if (own !== undefined) return own.address;
  throw new UserError(
    "--dhcp: no address of this machine is in that server's network: name one that it can answer with --relay ADDRESS",
  );
}
