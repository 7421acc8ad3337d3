import type { NodeFacts } from "../../../src/boot/facts.ts";
import { inventoryOf, type KnownNode } from "../../../src/boot/inventory.ts";
import type { Ipv4 } from "../../../src/bytes/ipv4.ts";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { type DhcpPacket, decodePacket, findOption } from "../../../src/dhcp/packet.ts";
import type { AskedAt, ProxySettings } from "../../../src/dhcp/proxy/answer.ts";
import { ProxyResponder } from "../../../src/dhcp/proxy/responder.ts";
import type { Endpoint } from "../../../src/net/endpoint.ts";
import type { BootEvent } from "../../../src/watch/events.ts";
import { node } from "../../boot/node.ts";
import {
  address,
  ascii,
  type ClientMessage,
  clientMessage,
  mac,
  numberedMac,
  octets,
} from "../messages.ts";

export const PROXY = address("10.67.0.1");
export const OTHER = address("10.67.0.2");
export const UUID = [0, ...Array.from({ length: 16 }, (_, at) => at + 1)];

export function proxySettings(
  changes: Partial<ProxySettings> = {},
  nodes: readonly KnownNode[] = [],
): ProxySettings {
  return {
    serverAddress: PROXY,
    inventory: inventoryOf(nodes),
    denyUnknown: false,
    allow: [],
    bootFile: () => "pxelinux.0",
    ...changes,
  };
}

export function known(macText: string, name: string): KnownNode {
  return node({ mac: mac(macText), name });
}

/** Options of firmware: class, architecture, UUID. */
export function firmware(
  architecture: number,
  className = "PXEClient",
): NonNullable<ClientMessage["more"]> {
  const text = `${className}:Arch:${String(architecture).padStart(5, "0")}:UNDI:003000`;
  return [
    [60, ascii(text)],
    [93, [0, architecture]],
    [97, UUID],
  ];
}

export const ipxe: NonNullable<ClientMessage["more"]> = [...firmware(0), [77, ascii("iPXE")]];

export interface Reply {
  readonly packet: DhcpPacket;
  readonly to: Endpoint;
}

export function proxyRoom(given: ProxySettings = proxySettings()) {
  const room = { settings: given };
  const events: BootEvent[] = [];
  const reports: string[] = [];
  const learned: NodeFacts[] = [];
  const responder = new ProxyResponder({
    settings: () => room.settings,
    ports: { server: 67, client: 68, proxy: 4011 },
    learn: (facts) => learned.push(facts),
    tell: (event) => events.push(event),
    report: (what) => reports.push(what),
  });
  const receive = (bytes: Uint8Array, askedAt: AskedAt, from?: Endpoint): Reply | undefined => {
    const client = from ?? { address: 0 as Ipv4, port: 68 };
    const datagram = responder.receive(bytes, client, askedAt);
    if (datagram === undefined) return undefined;
    const packet = decodePacket(datagram.bytes);
    if (isMalformed(packet)) throw new Error(packet.malformed);
    return { packet, to: datagram.to };
  };
  const ask = (message: Partial<ClientMessage>, askedAt: AskedAt = "dhcp", from?: Endpoint) =>
    receive(clientMessage({ type: 1, mac: numberedMac(1), ...message }), askedAt, from);
  return { room, responder, events, reports, learned, receive, ask };
}

export function data(packet: DhcpPacket | undefined, code: number): number[] | undefined {
  const found = packet && findOption(packet, code);
  return found && [...found];
}

export function text(packet: DhcpPacket | undefined, code: number): string | undefined {
  const found = data(packet, code);
  return found && String.fromCharCode(...found);
}

export { address, ascii, clientMessage, mac, numberedMac, octets };
