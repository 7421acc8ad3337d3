import {
  ANY_ADDRESS,
  BROADCAST_ADDRESS,
  broadcastOf,
  formatIpv4,
  type Ipv4,
  netmask,
} from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";
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
  OVERLOAD_BYTES,
  optionBytes,
  SNAME_BYTES,
  sizeOf,
} from "./packet.ts";
import { vendorOptions } from "./pxe.ts";
import type { DhcpPorts } from "./settings.ts";
import { type Exchange, INFINITE_SECONDS, leaseSeconds, serverIdFor } from "./subnet.ts";

/** What goes into a reply (RFC 2131 §4.3.1, table 3) and where it goes (§4.1). */

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
export function grant(exchange: Exchange, type: MessageType, given: Ipv4 | undefined): DhcpPacket {
  const { request, settings, subnet } = exchange;
  const { packet, client } = request;
  const netboots = client === "pxe" || client === "ipxe";
  const facts = { ...request.facts, address: given ?? packet.ciaddr };
  const bootFile = netboots ? settings.bootFile(facts) : undefined;
  const isInFile = bootFile !== undefined && bootFile.length < FILE_BYTES;
  const isInOption = bootFile !== undefined && (!isInFile || facts.isHttpClient);
  const required = [
    byteOption(Option.MESSAGE_TYPE, type),
    addressOption(Option.SERVER_ID, serverIdFor(request, settings)),
    ...(given === undefined ? [] : leaseOptions(leaseSeconds(exchange))),
    addressOption(Option.SUBNET_MASK, netmask(subnet.network.prefix)),
    // UEFI 2.10 §24.7.3.1: by it an offer is one of HTTP boot.
    ...(isInOption && facts.isHttpClient ? vendorOptions(facts) : []),
    ...(isInOption ? [textOption(Option.BOOT_FILE, bootFile)] : []),
    // What speaks iPXE's options understands them whether it lists them or not.
    ...(findOption(packet, Option.IPXE) ? [{ code: Option.IPXE, data: NO_PROXY_DHCP }] : []),
  ];
  const isAsked = isAskedBy(packet);
  const wished = [
    ...routerOption(exchange),
    ...(isInFile ? bootOptions(exchange, bootFile) : []),
    ...optionalText(Option.ROOT_PATH, netboots ? undefined : settings.rootPath(facts)),
    ...networkOptions(exchange),
  ].filter((option) => isAsked(option) && !required.some(({ code }) => code === option.code));
  const file = isInFile ? bootFile : "";
  return {
    ...replyHeader(packet),
    ciaddr: type === MessageType.ACK ? packet.ciaddr : ANY_ADDRESS,
    yiaddr: given ?? ANY_ADDRESS,
    siaddr: settings.serverAddress,
    file,
    ...fitting(packet, file, required, wished),
  };
}

/** RFC 2131 §4.3.2: no; begin again with DISCOVER. The reason is for the client's log. */
export function refuse({ request, settings }: Exchange, reason: string): DhcpPacket {
  const { packet } = request;
  const header = replyHeader(packet);
  const required = [
    byteOption(Option.MESSAGE_TYPE, MessageType.NAK),
    addressOption(Option.SERVER_ID, serverIdFor(request, settings)),
  ];
  return {
    ...header,
    // RFC 2131 §4.3.2: the relay must broadcast it too: the client's address is no good.
    flags: packet.giaddr === ANY_ADDRESS ? header.flags : header.flags | FLAG_BROADCAST,
    ...fitting(packet, "", required, [textOption(Option.MESSAGE, reason)]),
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
function leaseOptions(seconds: number | "infinite"): DhcpOption[] {
  if (seconds === "infinite") return [secondsOption(Option.LEASE_SECONDS, INFINITE_SECONDS)];
  return [
    secondsOption(Option.LEASE_SECONDS, seconds),
    secondsOption(Option.RENEWAL_SECONDS, Math.floor(seconds / 2)),
    secondsOption(Option.REBINDING_SECONDS, Math.floor((seconds * 7) / 8)),
  ];
}

/** A boot file by TFTP, or a URL for what reads one in its place. */
function bootOptions({ request, settings }: Exchange, bootFile: string): DhcpOption[] {
  const { packet, facts } = request;
  if (facts.isHttpClient) return [];
  // One without the other means something else: both or none.
  const vendor = vendorOptions(facts);
  return [
    textOption(Option.BOOT_FILE, bootFile),
    textOption(Option.TFTP_SERVER, formatIpv4(settings.serverAddress)),
    ...(vendor.every(isAskedBy(packet)) ? vendor : []),
  ];
}

/** Behind the mask: of the firmware's ACK GRUB 2.06 reads no more options than BOOTP has room for, 64 bytes (RFC 951 §3). */
function routerOption({ subnet: { router } }: Exchange): DhcpOption[] {
  return router === undefined ? [] : [addressOption(Option.ROUTER, router)];
}

function networkOptions({ request, settings, subnet }: Exchange): DhcpOption[] {
  const { dns, domain, network } = subnet;
  return [
    ...optionalText(Option.HOST_NAME, settings.inventory.byMac(request.mac)?.name),
    ...(dns.length === 0 ? [] : [addressOption(Option.DNS, ...dns)]),
    ...optionalText(Option.DOMAIN, domain),
    addressOption(Option.BROADCAST, broadcastOf(network)),
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

/**
 * As they came: the client identifier (RFC 6842 §3), the subnet selection (RFC 3011 §2) and the relay's option, which is
 * last (RFC 3046 §2.2).
 */
function echoed(request: DhcpPacket): DhcpOption[] {
  return [Option.CLIENT_ID, Option.SUBNET_SELECTION, Option.RELAY_AGENT].flatMap((code) => {
    const data = findOption(request, code);
    return data === undefined ? [] : [{ code, data }];
  });
}

/**
 * RFC 2132 §9.10: the options that the client has room for; what it cannot do without goes in first. What does not fit goes
 * into `file` and `sname`, where they are free (§9.3). Not before: much firmware looks for options in their own place only.
 */
function fitting(
  request: DhcpPacket,
  file: string,
  required: readonly DhcpOption[],
  wished: readonly DhcpOption[],
): Pick<DhcpPacket, "options" | "overload"> {
  const echo = echoed(request);
  const said = readNumber(findOption(request, Option.MESSAGE_BYTES_MAX) ?? new Uint8Array(0), 2);
  const datagram = Math.min(Math.max(said ?? 0, DATAGRAM_BYTES_MIN), DATAGRAM_BYTES_MAX);
  const room = datagram - IP_UDP_HEADER_BYTES - HEADER_BYTES - 1;
  const all = [...required, ...wished, ...echo];
  if (sizeOf(all) <= room) return { options: all };

  const area = new Space(room - OVERLOAD_BYTES);
  const inFile = new Space(file === "" ? FILE_BYTES - 1 : 0);
  const inSname = new Space(SNAME_BYTES - 1);
  for (const option of [...required, ...echo]) area.take(option);
  for (const option of wished) area.take(option) || inFile.take(option) || inSname.take(option);
  const isLast = (option: DhcpOption): boolean => echo.includes(option);
  const options = [
    ...area.options.filter((option) => !isLast(option)),
    ...area.options.filter(isLast),
  ];
  return { options, overload: { file: inFile.options, sname: inSname.options } };
}

/** What is put into so many bytes. */
class Space {
  readonly options: DhcpOption[] = [];
  #room: number;

  constructor(bytes: number) {
    this.#room = bytes;
  }

  take(option: DhcpOption): boolean {
    const bytes = optionBytes(option);
    if (bytes > this.#room) return false;
    this.#room -= bytes;
    this.options.push(option);
    return true;
  }
}
