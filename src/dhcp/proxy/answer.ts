import type { NodeFacts } from "../../boot/facts.ts";
import { ANY_ADDRESS, formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import { matchesMac } from "../../bytes/mac.ts";
import type { DhcpRequest, NotARequest } from "../facts.ts";
import {
  addressOption,
  byteOption,
  MessageType,
  Option,
  readAddress,
  textOption,
} from "../options.ts";
import {
  BOOTP_BYTES_MIN,
  type DhcpOption,
  type DhcpPacket,
  FILE_BYTES,
  FLAG_BROADCAST,
  findOption,
  Op,
} from "../packet.ts";
import { netbootClass } from "../pxe.ts";
import type { DhcpSettings } from "../settings.ts";
import { acknowledgeOptions, bootItem, offerOptions } from "./pxe-options.ts";

/**
 * What a ProxyDHCP and boot server says (PXE 2.1 §2.2): which file to boot, never an address. Whoever does not netboot,
 * and whatever is about an address, is the business of the network's own DHCP server.
 */

export type ProxySettings = Pick<
  DhcpSettings,
  "serverAddress" | "inventory" | "denyUnknown" | "allow" | "bootFile"
>;

/** Where a message came to: 67, or 4011, where only netbooting clients ask. */
export type AskedAt = "dhcp" | "proxy";

export type ProxyRefusal =
  | "malformed"
  | NotARequest
  /** On port 4011: no PXE or HTTP boot client, or a message about an address. */
  | "not-netbooting"
  /** `allow` does not have the MAC address. */
  | "not-allowed"
  /** `deny-unknown`, and the inventory does not have the MAC address. */
  | "unknown-node"
  /** There is no loader for this firmware. */
  | "no-boot-file"
  /** A mistake of ours: reported. */
  | "failed";

export type ProxyOutcome =
  | {
      readonly kind: "reply";
      readonly type: MessageType;
      readonly packet: DhcpPacket;
      readonly bootFile: string;
    }
  | { readonly kind: "silent" }
  | { readonly kind: "refused"; readonly reason: ProxyRefusal };

/** `facts` are those of the request, with the address as far as it was heard. */
export function answer(
  request: DhcpRequest,
  facts: NodeFacts,
  askedAt: AskedAt,
  settings: ProxySettings,
): ProxyOutcome {
  const { packet, mac } = request;
  const type = netbootClass(packet) === undefined ? undefined : replyTo(request, askedAt, settings);
  if (type === undefined) {
    return askedAt === "proxy" ? refused("not-netbooting") : { kind: "silent" };
  }
  const { allow, denyUnknown, inventory } = settings;
  if (allow.length > 0 && !allow.some((pattern) => matchesMac(pattern, mac))) {
    return refused("not-allowed");
  }
  if (denyUnknown && inventory.byMac(mac) === undefined) return refused("unknown-node");
  const bootFile = settings.bootFile(facts);
  if (bootFile === undefined) return refused("no-boot-file");
  const options =
    type === MessageType.OFFER ? offerOptions(facts) : acknowledgeOptions(facts, packet);
  return {
    kind: "reply",
    type,
    packet: reply(packet, type, settings.serverAddress, bootFile, options),
    bootFile,
  };
}

/**
 * A REQUEST on port 67 takes the offer of a server that gives addresses: not ours to answer. But one that names us waits
 * for an ACK all the same (danderson/pixiecore#21), and clients look for boot servers there (PXE 2.1 §2.2.4).
 */
function replyTo(
  { packet, type }: DhcpRequest,
  askedAt: AskedAt,
  { serverAddress }: ProxySettings,
): MessageType | undefined {
  const isForUs = askedAt === "proxy" || serverIdOf(packet) === serverAddress;
  switch (type) {
    case MessageType.DISCOVER:
      return askedAt === "proxy" ? MessageType.ACK : MessageType.OFFER;
    case MessageType.REQUEST:
      return isForUs || bootItem(packet) !== undefined ? MessageType.ACK : undefined;
    case MessageType.INFORM:
      return MessageType.ACK;
    default:
      return undefined;
  }
}

/**
 * PXE 2.1, tables 2-3 and 2-6: no address, no time, no network. By broadcast, unless we can send to the
 * client itself: a relay would send to yiaddr otherwise, which is nobody's (RFC 1542 §4.1.2).
 */
function reply(
  request: DhcpPacket,
  type: MessageType,
  serverAddress: Ipv4,
  bootFile: string,
  vendor: readonly DhcpOption[],
): DhcpPacket {
  const server = formatIpv4(serverAddress);
  const hasOwnPath = request.ciaddr !== ANY_ADDRESS && request.giaddr === ANY_ADDRESS;
  return {
    ...request,
    op: Op.REPLY,
    hops: 0,
    secs: 0,
    flags: hasOwnPath ? request.flags : request.flags | FLAG_BROADCAST,
    ciaddr: type === MessageType.ACK ? request.ciaddr : ANY_ADDRESS,
    yiaddr: ANY_ADDRESS,
    siaddr: serverAddress,
    sname: server,
    file: bootFile.length < FILE_BYTES ? bootFile : "",
    options: [
      byteOption(Option.MESSAGE_TYPE, type),
      addressOption(Option.SERVER_ID, serverAddress),
      ...vendor,
      ...copied(request, Option.UUID),
      textOption(Option.TFTP_SERVER, server),
      textOption(Option.BOOT_FILE, bootFile),
      ...copied(request, Option.RELAY_AGENT),
    ],
    paddedTo: BOOTP_BYTES_MIN,
  };
}

function copied(request: DhcpPacket, code: number): DhcpOption[] {
  const data = findOption(request, code);
  return data === undefined ? [] : [{ code, data }];
}

/** Whose offer a REQUEST takes. */
export function serverIdOf(packet: DhcpPacket): Ipv4 | undefined {
  const data = findOption(packet, Option.SERVER_ID);
  return data === undefined ? undefined : readAddress(data);
}

function refused(reason: ProxyRefusal): ProxyOutcome {
  return { kind: "refused", reason };
}
