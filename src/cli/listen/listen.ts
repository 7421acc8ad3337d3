import { setTimeout as sleep } from "node:timers/promises";
import { Architecture } from "../../boot/facts.ts";
import { BROADCAST_ADDRESS } from "../../bytes/ipv4.ts";
import type { MacAddress } from "../../bytes/mac.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import {
  formatInterface,
  type InterfaceAddress,
  interfaceAddresses,
} from "../../net/interfaces.ts";
import { openUdp, type UdpSocket } from "../../net/udp.ts";
import { hearNetworkOf } from "../../net/udp-interface.ts";
import { UserError } from "../../user-error.ts";
import type { Finding } from "../doctor-findings.ts";
import { holderOf } from "../doctor-ports.ts";
import { wireFindings } from "./findings.ts";
import { probe, probeMac } from "./probe.ts";
import { Wire } from "./wire.ts";

export interface Listening {
  readonly on: InterfaceAddress;
  readonly ms: number;
  /** Asks as firmware does; otherwise nothing is sent. */
  readonly probe: boolean;
  readonly report: (what: string, error: unknown) => void;
}

const SERVER_PORT = 67;
const CLIENT_PORT = 68;
/** Servers that are slow to answer one question are not asked the next meanwhile. */
const PROBES_APART_MS = 1000;

/**
 * The DHCP servers, relays and ProxyDHCP servers that are there before anything is answered.
 *
 * @throws UserError where there is no right to the ports.
 */
export async function listenFindings({
  on,
  ms,
  probe: asks,
  report,
}: Listening): Promise<Finding[]> {
  const mac = probeMac();
  const wire = new Wire(mac);
  const deaf: Finding[] = [];
  await using sockets = new AsyncDisposableStack();
  const { address } = on;
  const receive = (bytes: Uint8Array, from: Endpoint): void => wire.hear(bytes, from);
  for (const port of [SERVER_PORT, CLIENT_PORT]) {
    const opened = await unlessTaken(port, deaf, () =>
      hearNetworkOf({ address, port, receive, report }),
    );
    if (opened !== undefined) sockets.use(opened);
  }
  const until = sleep(ms);
  if (asks) {
    const speaker = await unlessTaken(CLIENT_PORT, deaf, () =>
      openUdp({
        local: { address, port: CLIENT_PORT },
        receive,
        report,
        broadcast: true,
        reuseAddress: true,
      }),
    );
    if (speaker !== undefined) await ask(sockets.use(speaker), mac, ms);
  }
  await until;
  const own = new Set(interfaceAddresses().map((entry) => entry.address));
  return [...deaf, ...wireFindings(wire, { interfaceName: on.name, ms, asked: asks, own })];
}

/** As UEFI and as BIOS: a proxy may have a boot file for one of them only. */
async function ask(speaker: UdpSocket, mac: MacAddress, ms: number): Promise<void> {
  const to = { address: BROADCAST_ADDRESS, port: SERVER_PORT };
  speaker.send(probe(mac, Architecture.UEFI_X64), to);
  await sleep(Math.min(PROBES_APART_MS, ms / 2));
  speaker.send(probe(mac, Architecture.BIOS), to);
}

/** A client on this machine may have the port for itself: then less is heard, which is said. */
async function unlessTaken<T>(
  port: number,
  deaf: Finding[],
  open: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await open();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
    if (!isTaken) throw error;
    const holder = holderOf({ protocol: "udp", port }) ?? "another program";
    const what = `UDP port ${port}: ${holder} has it for itself, so that what comes to it was not heard`;
    if (!deaf.some((finding) => finding.what === what)) {
      deaf.push({ state: "blocked", what, todo: "stop it, and listen again" });
    }
    return undefined;
  }
}

/** The one that is named; without a name the only one that there is. @throws UserError */
export function interfaceToHear(
  name: string | undefined,
  all: readonly InterfaceAddress[] = interfaceAddresses(),
): InterfaceAddress {
  const candidates = all.filter((entry) =>
    name === undefined ? !isLoopback(entry) : entry.name === name,
  );
  const [found] = candidates;
  const there = all.map(formatInterface).join(", ");
  if (found === undefined) {
    const which = name === undefined ? "no interface" : `--interface ${name}: it`;
    throw new UserError(`${which} has no IPv4 address; there are: ${there}`);
  }
  if (new Set(candidates.map((entry) => entry.name)).size > 1) {
    throw new UserError(`several interfaces: choose one with --interface; there are: ${there}`);
  }
  return found;
}

function isLoopback({ address }: InterfaceAddress): boolean {
  return address >>> 24 === 127;
}
