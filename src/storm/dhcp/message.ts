import { ANY_ADDRESS, type Ipv4 } from "../../bytes/ipv4.ts";
import { macToBytes } from "../../bytes/mac.ts";
import { MessageType, Option } from "../../dhcp/options.ts";
import { BOOTP_BYTES_MIN, type DhcpOption, encodePacket, Op } from "../../dhcp/packet.ts";
import { STORM_NODES_MAX } from "../../limits.ts";
import type { SimulatedIdentity } from "../client.ts";
import type { TraceOption } from "../trace/trace.ts";

/** A client's messages as its relay passes them on (RFC 2131 §4.1, RFC 1542 §4.1.1). */

export interface Asked {
  readonly identity: SimulatedIdentity;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly relay: Ipv4;
  readonly options: readonly TraceOption[];
  /** Of the OFFER that is taken; undefined: a DISCOVER. */
  readonly offer: { readonly address: Ipv4; readonly server: Ipv4 } | undefined;
}

const INDEX_BITS = 13;

/** RFC 2131 §2 wants a random number; its last bits are the node's, so that no two nodes have one and replies find theirs. */
export function xidOf(index: number, random: () => number): number {
  if (index >= Math.min(STORM_NODES_MAX, 1 << INDEX_BITS)) throw new RangeError(`node ${index}`);
  return ((Math.floor(random() * 2 ** (32 - INDEX_BITS)) << INDEX_BITS) | index) >>> 0;
}

/** The node that an xid is of: its identity's index. */
export function nodeOfXid(xid: number): number {
  return xid & ((1 << INDEX_BITS) - 1);
}

export function encodeAsked(asked: Asked): Uint8Array {
  const { identity, offer } = asked;
  const chaddr = macToBytes(identity.mac);
  return encodePacket({
    op: Op.REQUEST,
    hardwareType: 1,
    hops: 1,
    xid: asked.xid,
    secs: asked.secs,
    flags: asked.flags,
    ciaddr: ANY_ADDRESS,
    yiaddr: ANY_ADDRESS,
    siaddr: ANY_ADDRESS,
    giaddr: asked.relay,
    chaddr,
    sname: "",
    file: "",
    options: [
      ...(offer === undefined ? [typed(MessageType.DISCOVER)] : requestOptions(offer)),
      ...asked.options.map((option) => ownOption(option, identity, chaddr)),
    ],
    paddedTo: BOOTP_BYTES_MIN,
  });
}

function typed(type: MessageType): DhcpOption {
  return { code: Option.MESSAGE_TYPE, data: Uint8Array.of(type) };
}

/** RFC 2131 §4.3.2, a REQUEST in state SELECTING. */
function requestOptions(offer: { address: Ipv4; server: Ipv4 }): DhcpOption[] {
  return [
    typed(MessageType.REQUEST),
    { code: Option.REQUESTED_ADDRESS, data: octets(offer.address) },
    { code: Option.SERVER_ID, data: octets(offer.server) },
  ];
}

function octets(address: Ipv4): Uint8Array {
  return Uint8Array.of(address >>> 24, address >>> 16, address >>> 8, address);
}

/** What names the node that was recorded names this one instead; a server would take all of them for one. */
function ownOption(
  { code, value }: TraceOption,
  identity: SimulatedIdentity,
  mac: Uint8Array,
): DhcpOption {
  const recorded = Uint8Array.from(Buffer.from(value, "hex"));
  if (code === Option.UUID) return { code, data: ownUuid(recorded, identity.uuid) };
  if (code === Option.CLIENT_ID) return { code, data: ownClientId(recorded, identity.uuid, mac) };
  return { code, data: recorded };
}

/** RFC 4578 §2.3. Zeros or ones are of a machine that has none. */
function ownUuid(recorded: Uint8Array, uuid: Uint8Array): Uint8Array {
  const bytes = recorded.subarray(1);
  const isNone = bytes.every((byte) => byte === 0) || bytes.every((byte) => byte === 255);
  return isNone ? recorded : Uint8Array.of(0, ...uuid);
}

/**
 * RFC 2132 §9.14: firmware says type 1 and its MAC address, or type 0 and its UUID; RFC 4361 §6.1: systems say type 255,
 * IAID and a DUID, which ends with the one or the other (RFC 8415 §11).
 */
function ownClientId(recorded: Uint8Array, uuid: Uint8Array, mac: Uint8Array): Uint8Array {
  if (recorded[0] === 0 && recorded.length === 17) return Uint8Array.of(0, ...uuid);
  if (recorded[0] !== 255 || recorded.length < 15) return Uint8Array.of(1, ...mac);
  const isUuid = recorded[6] === 4;
  const own = isUuid ? uuid : mac;
  return Uint8Array.of(...recorded.subarray(0, recorded.length - own.length), ...own);
}
