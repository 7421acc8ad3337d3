import {
  ANY_ADDRESS,
  BROADCAST_ADDRESS,
  broadcastOf,
  formatIpv4,
  type Ipv4,
  netmask,
} from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { DhcpRequest } from "./facts.ts";
import {
  addressOption,
  byteOption,
  MessageType,
  Option,
  readNumber,
  secondsOption,
  textOption,
} from "./options.ts";
import {
  BOOTP_BYTES_MIN,
  type DhcpOption,
  type DhcpPacket,
  FILE_BYTES,
  FLAG_BROADCAST,
  findOption,
  HEADER_BYTES,
  Op,
  optionBytes,
} from "./packet.ts";
import type { DhcpPorts, DhcpSettings } from "./settings.ts";

/** What goes into a reply (RFC 2131 §4.3.1, table 3) and where it goes (§4.1). */

/** RFC 2131 §3.3: this lease does not end. */
const INFINITE_SECONDS = 0xffff_ffff;

/** RFC 2132 §9.10: nobody may say less than this; an IP datagram, with its own header and UDP's. */
const DATAGRAM_BYTES_MIN = 576;
const DATAGRAM_BYTES_MAX = 1500;
const IP_UDP_HEADER_BYTES = 28;

/** iPXE's sub-option 176, `no-pxedhcp`, and END: do not wait 3 s for a ProxyDHCP server. */
const NO_PROXY_DHCP = Uint8Array.of(0xb0, 0x01, 0x01, 0xff);

/**
 * RFC 2131 §4.1, but always by broadcast to a client without an address, whatever its broadcast bit says: unicast
 * to it would need an ARP entry that only raw sockets can do without, and every client takes a broadcast.
 */
export function destinationOf(request: DhcpPacket, reply: MessageType, ports: DhcpPorts): Endpoint {
  if (request.giaddr !== ANY_ADDRESS) return { address: request.giaddr, port: ports.server };
  if (reply !== MessageType.NAK && request.ciaddr !== ANY_ADDRESS) {
    return { address: request.ciaddr, port: ports.client };
  }
  return { address: BROADCAST_ADDRESS, port: ports.client };
}

/** An OFFER or ACK of the address, or, without one, the ACK to an INFORM (RFC 2131 §4.3.5). */
export function grant(
  request: DhcpRequest,
  settings: DhcpSettings,
  type: MessageType,
  given: Ipv4 | undefined,
): DhcpPacket {
  const { packet, client } = request;
  const address = given ?? packet.ciaddr;
  const netboots = client === "pxe" || client === "ipxe";
  const facts = { ...request.facts, address };
  const bootFile = netboots ? settings.bootFile(facts) : undefined;
  const required = [
    byteOption(Option.MESSAGE_TYPE, type),
    addressOption(Option.SERVER_ID, settings.serverAddress),
    ...(given === undefined ? [] : leaseOptions(settings)),
    addressOption(Option.SUBNET_MASK, netmask(settings.subnet.prefix)),
  ];
  const asked = [
    ...(netboots ? bootOptions(settings, bootFile) : []),
    ...optionalText(Option.ROOT_PATH, netboots ? undefined : settings.rootPath(facts)),
    ...networkOptions(request, settings),
  ].filter(isAskedBy(packet));
  const isIpxe = findOption(packet, Option.IPXE) !== undefined;
  const wished = isIpxe ? [{ code: Option.IPXE, data: NO_PROXY_DHCP }, ...asked] : asked;
  return {
    ...replyHeader(packet),
    ciaddr: type === MessageType.ACK ? packet.ciaddr : ANY_ADDRESS,
    yiaddr: given ?? ANY_ADDRESS,
    siaddr: settings.serverAddress,
    file: bootFile !== undefined && bootFile.length < FILE_BYTES ? bootFile : "",
    options: fitting(packet, required, wished, echoed(packet)),
  };
}

/** RFC 2131 §4.3.2: no; begin again with DISCOVER. The reason is for the client's log. */
export function refuse(request: DhcpRequest, settings: DhcpSettings, reason: string): DhcpPacket {
  const { packet } = request;
  const header = replyHeader(packet);
  const required = [
    byteOption(Option.MESSAGE_TYPE, MessageType.NAK),
    addressOption(Option.SERVER_ID, settings.serverAddress),
  ];
  return {
    ...header,
    // RFC 2131 §4.3.2: the relay must broadcast it too: the client's address is no good.
    flags: packet.giaddr === ANY_ADDRESS ? header.flags : header.flags | FLAG_BROADCAST,
    options: fitting(packet, required, [textOption(Option.MESSAGE, reason)], echoed(packet)),
  };
}

function replyHeader(request: DhcpPacket): DhcpPacket {
  return {
    op: Op.REPLY,
    hardwareType: request.hardwareType,
    hops: 0,
    xid: request.xid,
    secs: 0,
    flags: request.flags,
    ciaddr: ANY_ADDRESS,
    yiaddr: ANY_ADDRESS,
    siaddr: ANY_ADDRESS,
    giaddr: request.giaddr,
    chaddr: request.chaddr,
    sname: "",
    file: "",
    options: [],
    paddedTo: BOOTP_BYTES_MIN,
  };
}

/** RFC 2131 §4.4.5: renew after half of the time, rebind after seven eighths. */
function leaseOptions({ leaseSeconds: seconds }: DhcpSettings): DhcpOption[] {
  if (seconds === "infinite") return [secondsOption(Option.LEASE_SECONDS, INFINITE_SECONDS)];
  return [
    secondsOption(Option.LEASE_SECONDS, seconds),
    secondsOption(Option.RENEWAL_SECONDS, Math.floor(seconds / 2)),
    secondsOption(Option.REBINDING_SECONDS, Math.floor((seconds * 7) / 8)),
  ];
}

function bootOptions(settings: DhcpSettings, bootFile: string | undefined): DhcpOption[] {
  return [
    ...optionalText(Option.BOOT_FILE, bootFile),
    textOption(Option.TFTP_SERVER, formatIpv4(settings.serverAddress)),
  ];
}

function networkOptions({ mac }: DhcpRequest, settings: DhcpSettings): DhcpOption[] {
  const { router, dns, domain, subnet, inventory } = settings;
  return [
    ...optionalText(Option.HOST_NAME, inventory.byMac(mac)?.name),
    ...(router === undefined ? [] : [addressOption(Option.ROUTER, router)]),
    ...(dns.length === 0 ? [] : [addressOption(Option.DNS, ...dns)]),
    ...optionalText(Option.DOMAIN, domain),
    addressOption(Option.BROADCAST, broadcastOf(subnet)),
  ];
}

function optionalText(code: number, text: string | undefined): DhcpOption[] {
  return text === undefined ? [] : [textOption(code, text)];
}

/** RFC 2132 §9.8: a client that lists what it wants gets that; one without a list gets what there is. */
function isAskedBy(request: DhcpPacket): (option: DhcpOption) => boolean {
  const list = findOption(request, Option.PARAMETER_LIST);
  return ({ code }) => list === undefined || list.includes(code);
}

/** RFC 6842 §3: the client identifier as it came; RFC 3046 §2.2: the relay's option as it came, last. */
function echoed(request: DhcpPacket): DhcpOption[] {
  return [Option.CLIENT_ID, Option.RELAY_AGENT].flatMap((code) => {
    const data = findOption(request, code);
    return data === undefined ? [] : [{ code, data }];
  });
}

/** RFC 2132 §9.10: leaves out what the client has no room for; what it cannot do without goes in first. */
function fitting(
  request: DhcpPacket,
  required: readonly DhcpOption[],
  wished: readonly DhcpOption[],
  echo: readonly DhcpOption[],
): DhcpOption[] {
  const said = readNumber(findOption(request, Option.MESSAGE_BYTES_MAX) ?? new Uint8Array(0), 2);
  const datagram = Math.min(Math.max(said ?? 0, DATAGRAM_BYTES_MIN), DATAGRAM_BYTES_MAX);
  let room = datagram - IP_UDP_HEADER_BYTES - HEADER_BYTES - 1;
  const fits = (option: DhcpOption): boolean => {
    if (optionBytes(option) > room) return false;
    room -= optionBytes(option);
    return true;
  };
  const first = required.filter(fits);
  const last = echo.filter(fits);
  return [...first, ...wished.filter(fits), ...last];
}
