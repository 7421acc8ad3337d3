import { ANY_ADDRESS, contains, type Ipv4 } from "../bytes/ipv4.ts";
import { unreachable } from "../bytes/unreachable.ts";
import type { DhcpRequest, NotARequest } from "./facts.ts";
import type { Leases, NoAddress } from "./leases.ts";
import { MessageType, Option, readAddress } from "./options.ts";
import { type DhcpPacket, findOption } from "./packet.ts";
import { permits, reservationOf } from "./pool.ts";
import { grant, refuse } from "./reply.ts";
import type { DhcpSettings } from "./settings.ts";

/**
 * What a client's message is answered with: RFC 2131 §4.3. Decides from the message, the settings, the leases and
 * the time; changes nothing but leases.
 *
 * Not done: BOOTP, a lease time that the client asks for (option 51), ARP or ping before an OFFER (a client that
 * finds its address in use declines it), rapid commit (RFC 4039), relays of other subnets.
 */

/** Why a message is not answered as asked. */
export type Refusal =
  | "malformed"
  | NotARequest
  | NoAddress
  /** OFFER, ACK and NAK are for servers to send. */
  | "not-for-servers"
  /** `deny-unknown`, and the inventory does not have the MAC address. */
  | "unknown-node"
  /** The client or its relay is in a network that we do not serve. */
  | "other-subnet"
  /** A message that is about an address, without one. */
  | "no-address"
  /** RFC 2131 §4.3.2: a client we have no record of may be another server's. */
  | "unknown-lease"
  /** The lease could not be written to disk, or a mistake of ours: reported. */
  | "failed";

export type Outcome =
  | {
      readonly kind: "reply";
      readonly type: MessageType;
      readonly packet: DhcpPacket;
      /** Given, or undefined in a NAK. */
      readonly address: Ipv4 | undefined;
    }
  /** Understood, and nothing is to be said. */
  | { readonly kind: "silent"; readonly address: Ipv4 | undefined }
  | { readonly kind: "refused"; readonly reason: Refusal };

interface Context {
  readonly request: DhcpRequest;
  readonly settings: DhcpSettings;
  readonly leases: Leases;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function answer(context: Context): Outcome {
  const { request, settings } = context;
  const { ciaddr, giaddr } = request.packet;
  if (settings.denyUnknown && settings.inventory.byMac(request.mac) === undefined) {
    return refused("unknown-node");
  }
  for (const address of [ciaddr, giaddr]) {
    if (address !== ANY_ADDRESS && !contains(settings.subnet, address)) {
      return refused("other-subnet");
    }
  }
  switch (request.type) {
    case MessageType.DISCOVER:
      return answerDiscover(context);
    case MessageType.REQUEST:
      return answerRequest(context);
    case MessageType.DECLINE:
      return answerDecline(context);
    case MessageType.RELEASE:
      return answerRelease(context);
    case MessageType.INFORM:
      return answerInform(context);
    case MessageType.OFFER:
    case MessageType.ACK:
    case MessageType.NAK:
      return refused("not-for-servers");
    default:
      return unreachable(request.type);
  }
}

function answerDiscover({ request, settings, leases, now }: Context): Outcome {
  const address = leases.offer(settings, request.mac, requestedAddress(request), now);
  if (typeof address === "string") return refused(address);
  const packet = grant(request, settings, MessageType.OFFER, address);
  return { kind: "reply", type: MessageType.OFFER, packet, address };
}

/** RFC 2131 §4.3.2, table 4: the fields that are set say in which state the client is. */
function answerRequest(context: Context): Outcome {
  const { request, settings, leases } = context;
  const serverId = serverIdOf(request);
  const requested = requestedAddress(request);
  const { ciaddr } = request.packet;
  if (serverId !== undefined) {
    if (serverId !== settings.serverAddress) {
      leases.withdrawOffer(request.mac);
      return { kind: "silent", address: undefined };
    }
    return requested === undefined ? refused("no-address") : answerSelecting(context, requested);
  }
  if (ciaddr !== ANY_ADDRESS) return answerRenewing(context, ciaddr);
  return requested === undefined ? refused("no-address") : answerInitReboot(context, requested);
}

/** The client takes our offer. An offer that we have forgotten still holds where the address is free. */
function answerSelecting(context: Context, requested: Ipv4): Outcome {
  return isFree(context, requested)
    ? acknowledge(context, requested)
    : nak(context, "address not available");
}

/** The client was switched on and remembers an address. */
function answerInitReboot(context: Context, requested: Ipv4): Outcome {
  const { request, settings, leases } = context;
  if (!contains(settings.subnet, requested)) return nak(context, "wrong network");
  const known = leases.of(request.mac);
  // RFC 2131 §4.3.2: without a record of the client the server must be silent.
  if (known === undefined) return refused("unknown-lease");
  return known.address === requested && isRightful(context, requested)
    ? acknowledge(context, requested)
    : nak(context, "not your address");
}

/** RENEWING by unicast and REBINDING by broadcast: a client that uses its address. */
function answerRenewing(context: Context, ciaddr: Ipv4): Outcome {
  const { request, settings, leases, now } = context;
  if (isRightful(context, ciaddr)) return acknowledge(context, ciaddr);
  const isTaken = leases.at(ciaddr, now) !== undefined;
  // Outside our ranges, of a client that we never saw: another server's, which may be on this network too.
  if (leases.of(request.mac) === undefined && !isTaken && !permits(settings, request.mac, ciaddr)) {
    return refused("unknown-lease");
  }
  return nak(context, "address no longer available");
}

function answerDecline({ request, settings, leases, now }: Context): Outcome {
  const address = requestedAddress(request);
  if (address === undefined) return refused("no-address");
  if (serverIdOf(request) !== settings.serverAddress) return { kind: "silent", address: undefined };
  if (!leases.decline(request.mac, address, now)) return refused("unknown-lease");
  return { kind: "silent", address };
}

function answerRelease({ request, settings, leases, now }: Context): Outcome {
  const { ciaddr } = request.packet;
  if (ciaddr === ANY_ADDRESS) return refused("no-address");
  if (serverIdOf(request) !== settings.serverAddress) return { kind: "silent", address: undefined };
  if (!leases.release(request.mac, ciaddr, now)) return refused("unknown-lease");
  return { kind: "silent", address: ciaddr };
}

function answerInform({ request, settings }: Context): Outcome {
  const { ciaddr } = request.packet;
  if (ciaddr === ANY_ADDRESS) return refused("no-address");
  const packet = grant(request, settings, MessageType.ACK, undefined);
  return { kind: "reply", type: MessageType.ACK, packet, address: ciaddr };
}

function acknowledge({ request, settings, leases, now }: Context, address: Ipv4): Outcome {
  const lease = leases.bind(request.mac, address, endOfLease(settings, now), now);
  if (lease === undefined) return refused("pool-exhausted");
  const packet = grant(request, settings, MessageType.ACK, address);
  return { kind: "reply", type: MessageType.ACK, packet, address };
}

function nak({ request, settings }: Context, reason: string): Outcome {
  const packet = refuse(request, settings, reason);
  return { kind: "reply", type: MessageType.NAK, packet, address: undefined };
}

function isFree({ request, settings, leases, now }: Context, address: Ipv4): boolean {
  return leases.isAvailable(settings, request.mac, address, now);
}

/** Free for the node, and not to be exchanged for the address that the configuration now keeps for it. */
function isRightful(context: Context, address: Ipv4): boolean {
  const reserved = reservationOf(context.settings, context.request.mac);
  const mustMove = reserved !== undefined && reserved !== address && isFree(context, reserved);
  return !mustMove && isFree(context, address);
}

function endOfLease(settings: DhcpSettings, now: number): number {
  const { leaseSeconds: seconds } = settings;
  return seconds === "infinite" ? Number.POSITIVE_INFINITY : now + seconds * 1000;
}

function requestedAddress({ packet }: DhcpRequest): Ipv4 | undefined {
  const data = findOption(packet, Option.REQUESTED_ADDRESS);
  return data === undefined ? undefined : readAddress(data);
}

/** One that cannot be read is at least not ours. */
function serverIdOf({ packet }: DhcpRequest): Ipv4 | undefined {
  const data = findOption(packet, Option.SERVER_ID);
  return data === undefined ? undefined : (readAddress(data) ?? ANY_ADDRESS);
}

function refused(reason: Refusal): Outcome {
  return { kind: "refused", reason };
}
