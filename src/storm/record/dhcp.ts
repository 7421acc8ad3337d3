import { type MacAddress, macFromBytes } from "../../bytes/mac.ts";
import { isMalformed } from "../../bytes/malformed.ts";
import { MessageType, Option, readMessageType } from "../../dhcp/options.ts";
import {
  type DhcpOption,
  type DhcpPacket,
  decodePacket,
  findOption,
  Op,
} from "../../dhcp/packet.ts";
import type { DhcpDeed, TraceOption } from "../trace/trace.ts";
import type { Datagram } from "./packets.ts";

/** DHCP exchanges of one client as a capture shows them, RFC 2131 §3.1: from its first DISCOVER to the ACK. */
export interface DhcpExchange {
  readonly sentAt: number;
  readonly endedAt: number;
  readonly deed: DhcpDeed;
  readonly discover: DhcpMessage;
  readonly ack: DhcpPacket;
}

export interface DhcpMessage {
  readonly at: number;
  readonly mac: MacAddress;
  readonly type: MessageType;
  readonly packet: DhcpPacket;
}

const ETHERNET = 1;
const MAC_BYTES = 6;
/** Server, client, and where PXE clients ask a boot server (PXE 2.1 §2.2.2). */
const PORTS: readonly number[] = [67, 68, 4011];

/** Undefined: not DHCP of an Ethernet client, or cut short. */
export function readDhcpMessage({ at, to, payload }: Datagram): DhcpMessage | undefined {
  if (!PORTS.includes(to.port)) return undefined;
  const packet = decodePacket(payload);
  if (isMalformed(packet)) return undefined;
  if (packet.hardwareType !== ETHERNET || packet.chaddr.length !== MAC_BYTES) return undefined;
  const type = readMessageType(findOption(packet, Option.MESSAGE_TYPE) ?? new Uint8Array(0));
  return type && { at, mac: macFromBytes(packet.chaddr), type, packet };
}

interface Begun {
  readonly discover: DhcpMessage;
  readonly offers: DhcpMessage[];
  request: DhcpMessage | undefined;
}

/** Of one client's messages. What was sent again counts once, from its first time. */
export function exchangesIn(messages: readonly DhcpMessage[]): DhcpExchange[] {
  const exchanges: DhcpExchange[] = [];
  let begun: Begun | undefined;
  let ended: number | undefined;
  for (const message of messages) {
    const { type, packet } = message;
    if (packet.xid === ended) continue;
    if (type === MessageType.DISCOVER && packet.xid !== begun?.discover.packet.xid) {
      begun = { discover: message, offers: [], request: undefined };
    } else if (begun === undefined || packet.xid !== begun.discover.packet.xid) continue;
    else if (type === MessageType.OFFER && isForClient(packet)) begun.offers.push(message);
    else if (type === MessageType.REQUEST) begun.request ??= message;
    else if (type === MessageType.ACK && isForClient(packet) && begun.request !== undefined) {
      exchanges.push(finished(begun, begun.request, message));
      ended = packet.xid;
      begun = undefined;
    }
  }
  return exchanges;
}

/** Not one of a ProxyDHCP server (PXE 2.1 §2.2.3), which gives no address. */
function isForClient({ op, yiaddr }: DhcpPacket): boolean {
  return op === Op.REPLY && yiaddr !== 0;
}

function finished(
  { discover, offers }: Begun,
  request: DhcpMessage,
  ack: DhcpMessage,
): DhcpExchange {
  const chosen = hex(findOption(request.packet, Option.SERVER_ID));
  const offer =
    offers.find(({ packet }) => hex(findOption(packet, Option.SERVER_ID)) === chosen) ?? offers[0];
  return {
    sentAt: discover.at,
    endedAt: ack.at,
    discover,
    ack: ack.packet,
    deed: {
      kind: "dhcp",
      client: clientOf(discover.packet),
      flags: discover.packet.flags,
      discover: traceOptions(discover.packet.options),
      request: traceOptions(request.packet.options),
      think: request.at - (offer ?? discover).at,
    },
  };
}

function clientOf(packet: DhcpPacket): DhcpDeed["client"] {
  const text = (code: number): string =>
    Buffer.from(findOption(packet, code) ?? []).toString("latin1");
  if (text(Option.USER_CLASS).includes("iPXE") || text(Option.IPXE) !== "") return "ipxe";
  return /^(?:PXE|HTTP)Client/.test(text(Option.VENDOR_CLASS)) ? "pxe" : "kernel";
}

/** Of one server's offer and no other, or of the message: the simulated node's own. */
const NOT_KEPT: readonly number[] = [
  Option.REQUESTED_ADDRESS,
  Option.MESSAGE_TYPE,
  Option.SERVER_ID,
  Option.RELAY_AGENT,
];

function traceOptions(options: readonly DhcpOption[]): TraceOption[] {
  return options
    .filter(({ code }) => !NOT_KEPT.includes(code))
    .map(({ code, data }) => ({ code, value: hex(data) }));
}

function hex(bytes: Uint8Array = new Uint8Array(0)): string {
  return Buffer.from(bytes).toString("hex");
}
