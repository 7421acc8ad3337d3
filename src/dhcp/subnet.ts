import { ANY_ADDRESS, contains, type Ipv4 } from "../bytes/ipv4.ts";
import { LEASE_SECONDS_MIN } from "../limits.ts";
import type { DhcpRequest } from "./facts.ts";
import { AgentOption, Option, readAddress, readNumber, readSubOption } from "./options.ts";
import { type DhcpPacket, findOption } from "./packet.ts";
import type { DhcpSettings, DhcpSubnet } from "./settings.ts";

/** What of the settings counts for one message. */
export interface Exchange {
  readonly request: DhcpRequest;
  readonly settings: DhcpSettings;
  /** Where the client is. */
  readonly subnet: DhcpSubnet;
}

/**
 * The subnet that a client is in, by the first that is said: the relay's link selection (RFC 3527 §3), a subnet
 * selection option (RFC 3011 §2), the relay's own address, the address that the client uses. A message that says none
 * of it was broadcast on our own link. Undefined: we do not serve it.
 */
export function subnetOf(packet: DhcpPacket, settings: DhcpSettings): DhcpSubnet | undefined {
  const said = [
    agentAddress(packet, AgentOption.LINK_SELECTION),
    addressIn(packet, Option.SUBNET_SELECTION),
    packet.giaddr,
    packet.ciaddr,
  ].find((address) => address !== undefined && address !== ANY_ADDRESS);
  if (said === undefined) return settings.subnets[0];
  return settings.subnets.find(({ network }) => contains(network, said));
}

/** What clients are told that the server is: itself, or the relay that wants to be asked instead (RFC 5107 §4). */
export function serverIdFor({ packet }: DhcpRequest, { serverAddress }: DhcpSettings): Ipv4 {
  return agentAddress(packet, AgentOption.SERVER_ID) ?? serverAddress;
}

/** The subnet's time, or less where the client wishes for less (RFC 2131 §3.5). */
export function leaseSeconds({ request, subnet }: Exchange): number | "infinite" {
  const wished = readNumber(findOption(request.packet, Option.LEASE_SECONDS) ?? absent, 4);
  const ours = subnet.leaseSeconds;
  if (wished === undefined || wished === INFINITE_SECONDS) return ours;
  const least = Math.max(wished, LEASE_SECONDS_MIN);
  return ours === "infinite" ? least : Math.min(ours, least);
}

/** RFC 2131 §3.3: this lease does not end. */
export const INFINITE_SECONDS = 0xffff_ffff;

const absent = new Uint8Array(0);

/** A client without a relay has nothing to say in its name. */
function agentAddress(packet: DhcpPacket, code: number): Ipv4 | undefined {
  if (packet.giaddr === ANY_ADDRESS) return undefined;
  const agent = findOption(packet, Option.RELAY_AGENT);
  return readAddress((agent && readSubOption(agent, code)) ?? absent);
}

export function addressIn(packet: DhcpPacket, code: number): Ipv4 | undefined {
  return readAddress(findOption(packet, code) ?? absent);
}
