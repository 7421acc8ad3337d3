import { ANY_ADDRESS, contains, type Ipv4 } from "../bytes/ipv4.ts";
import { type MacAddress, matchesMac } from "../bytes/mac.ts";
import { unreachable } from "../bytes/unreachable.ts";
import type { Conflicts } from "./conflicts.ts";
import type { DhcpRequest, NotARequest } from "./facts.ts";
import type { Leases, NoAddress } from "./leases.ts";
import { MessageType, Option } from "./options.ts";
import { type DhcpPacket, findOption } from "./packet.ts";
import { type Pool, permits, reservationOf } from "./pool.ts";
import { grant, refuse } from "./reply.ts";
import { addressIn, type Exchange, leaseSeconds, serverIdFor, subnetOf } from "./subnet.ts";

/**
 * What a client's message is answered with: RFC 2131 §4.3. Decides from the message, the settings, the leases and
 * the time; changes nothing but leases.
 *
 * Not done: BOOTP, rapid commit (RFC 4039).
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
  /** `allow` does not have the MAC address. */
  | "not-allowed"
  /** The client or its relay is in a network that we do not serve. */
  | "other-subnet"
  /** A message that is about an address, without one. */
  | "no-address"
  /** RFC 2131 §4.3.2: a client we have no record of may be another server's. */
  | "unknown-lease"
  /** More leases than ever should wait to be written. */
  | "busy"
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

interface Message extends Omit<Exchange, "subnet"> {
  readonly leases: Leases;
  readonly conflicts: Conflicts;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** More leases than ever should wait to be written. */
  readonly isBusy: boolean;
  /** Somebody uses the address that the node asked for. */
  readonly foundTaken: (address: Ipv4, by: MacAddress) => void;
}

interface Context extends Exchange, Message {
  readonly pool: Pool;
}

export function answer(message: Message): Outcome {
  const { request, settings } = message;
  const { mac, packet } = request;
  const { allow, denyUnknown, inventory, serverAddress } = settings;
  if (allow.length > 0 && !allow.some((pattern) => matchesMac(pattern, mac))) {
    return refused("not-allowed");
  }
  if (denyUnknown && inventory.byMac(mac) === undefined) return refused("unknown-node");
  if (message.isBusy) return refused("busy");
  const subnet = subnetOf(packet, settings);
  if (subnet === undefined) return refused("other-subnet");
  return answerIn({ ...message, subnet, pool: { serverAddress, inventory, subnet } });
}

function answerIn(context: Context): Outcome {
  const { request } = context;
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

function answerDiscover(context: Context): Outcome {
  const { request, pool, leases, conflicts, now } = context;
  const wanted = addressIn(request.packet, Option.REQUESTED_ADDRESS);
  const address = leases.offer(pool, request.mac, wanted, now);
  if (typeof address === "string") return refused(address);
  if (leases.of(request.mac)?.address !== address) conflicts.offered(context, address, now);
  const packet = grant(context, MessageType.OFFER, address);
  return { kind: "reply", type: MessageType.OFFER, packet, address };
}

/** RFC 2131 §4.3.2, table 4: the fields that are set say in which state the client is. */
function answerRequest(context: Context): Outcome {
  const { request, leases } = context;
  const requested = addressIn(request.packet, Option.REQUESTED_ADDRESS);
  const { ciaddr } = request.packet;
  if (serverIdOf(request) !== undefined) {
    if (!isToUs(context)) {
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
  if (!isFree(context, requested)) return nak(context, "address not available");
  const other = context.conflicts.at(context, requested);
  if (other === undefined) return acknowledge(context, requested);
  context.leases.withdrawOffer(context.request.mac);
  context.leases.avoid(requested, context.now);
  context.foundTaken(requested, other);
  return nak(context, "address in use");
}

/** The client was switched on and remembers an address. */
function answerInitReboot(context: Context, requested: Ipv4): Outcome {
  const { request, subnet, leases } = context;
  if (!contains(subnet.network, requested)) return nak(context, "wrong network");
  const known = leases.of(request.mac);
  // RFC 2131 §4.3.2: without a record of the client the server must be silent.
  if (known === undefined) return refused("unknown-lease");
  return known.address === requested && isRightful(context, requested)
    ? acknowledge(context, requested)
    : nak(context, "not your address");
}

/** RENEWING by unicast and REBINDING by broadcast: a client that uses its address. */
function answerRenewing(context: Context, ciaddr: Ipv4): Outcome {
  const { request, pool, leases, now } = context;
  if (isRightful(context, ciaddr)) return acknowledge(context, ciaddr);
  const isTaken = leases.at(ciaddr, now) !== undefined;
  // Outside our ranges, of a client that we never saw: another server's, which may be on this network too.
  if (leases.of(request.mac) === undefined && !isTaken && !permits(pool, request.mac, ciaddr)) {
    return refused("unknown-lease");
  }
  return nak(context, "address no longer available");
}

function answerDecline(context: Context): Outcome {
  const { request, leases, now } = context;
  const address = addressIn(request.packet, Option.REQUESTED_ADDRESS);
  if (address === undefined) return refused("no-address");
  if (!isToUs(context)) return { kind: "silent", address: undefined };
  if (!leases.decline(request.mac, address, now)) return refused("unknown-lease");
  return { kind: "silent", address };
}

function answerRelease(context: Context): Outcome {
  const { request, leases, now } = context;
  const { ciaddr } = request.packet;
  if (ciaddr === ANY_ADDRESS) return refused("no-address");
  if (!isToUs(context)) return { kind: "silent", address: undefined };
  if (!leases.release(request.mac, ciaddr, now)) return refused("unknown-lease");
  return { kind: "silent", address: ciaddr };
}

function answerInform(context: Context): Outcome {
  const { ciaddr, giaddr } = context.request.packet;
  if (ciaddr === ANY_ADDRESS) return refused("no-address");
  // By a subnet selection it could let us send to anybody.
  const isHere = giaddr !== ANY_ADDRESS || contains(context.subnet.network, ciaddr);
  if (!isHere) return refused("other-subnet");
  const packet = grant(context, MessageType.ACK, undefined);
  return { kind: "reply", type: MessageType.ACK, packet, address: ciaddr };
}

function acknowledge(context: Context, address: Ipv4): Outcome {
  const { request, leases, now } = context;
  const lease = leases.bind(request.mac, address, endOfLease(context), now);
  if (lease === undefined) return refused("pool-exhausted");
  const packet = grant(context, MessageType.ACK, address);
  return { kind: "reply", type: MessageType.ACK, packet, address };
}

function nak(context: Context, reason: string): Outcome {
  const packet = refuse(context, reason);
  return { kind: "reply", type: MessageType.NAK, packet, address: undefined };
}

function isFree({ request, pool, leases, now }: Context, address: Ipv4): boolean {
  return leases.isAvailable(pool, request.mac, address, now);
}

/** Free for the node, and not to be exchanged for the address that the configuration now keeps for it. */
function isRightful(context: Context, address: Ipv4): boolean {
  const reserved = reservationOf(context.pool, context.request.mac);
  const mustMove = reserved !== undefined && reserved !== address && isFree(context, reserved);
  return !mustMove && isFree(context, address);
}

function endOfLease(context: Context): number {
  const seconds = leaseSeconds(context);
  return seconds === "infinite" ? Number.POSITIVE_INFINITY : context.now + seconds * 1000;
}

/** Also by the name that a relay gave us. */
function isToUs({ request, settings }: Context): boolean {
  const serverId = serverIdOf(request);
  return serverId === settings.serverAddress || serverId === serverIdFor(request, settings);
}

/** One that cannot be read is at least not ours. */
function serverIdOf({ packet }: DhcpRequest): Ipv4 | undefined {
  if (findOption(packet, Option.SERVER_ID) === undefined) return undefined;
  return addressIn(packet, Option.SERVER_ID) ?? ANY_ADDRESS;
}

function refused(reason: Refusal): Outcome {
  return { kind: "refused", reason };
}
