import { type Ipv4, ipv4 } from "../bytes/ipv4.ts";
import { type Malformed, malformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { DHCP_MESSAGE_BYTES_MAX } from "../limits.ts";

/**
 * DHCP messages, bytes ⇄ values: RFC 2131 §2 (the header, after BOOTP, RFC 951), RFC 2132 §2 (options),
 * RFC 3396 (long options), RFC 2132 §9.3 (option overload).
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+---------------+---------------+
 *   |     op (1)    |   htype (1)   |   hlen (1)    |   hops (1)    |   0
 *   +---------------+---------------+---------------+---------------+
 *   |                            xid (4)                            |   4
 *   +-------------------------------+-------------------------------+
 *   |           secs (2)            |           flags (2)           |   8
 *   +-------------------------------+-------------------------------+
 *   |                          ciaddr  (4)                          |  12
 *   |                          yiaddr  (4)                          |  16
 *   |                          siaddr  (4)                          |  20
 *   |                          giaddr  (4)                          |  24
 *   +---------------------------------------------------------------+
 *   |                          chaddr  (16)                         |  28
 *   |                          sname   (64)                         |  44
 *   |                          file    (128)                        | 108
 *   +---------------------------------------------------------------+
 *   |          magic cookie 63 82 53 63, options, END, zeros        | 236
 *   +---------------------------------------------------------------+
 *
 * Not kept, because nobody may depend on it: bytes after the NUL that ends sname and file, after hlen bytes of
 * chaddr and after END, pads between options, and where a split or overloaded option was cut.
 * Not supported: BOOTP without the cookie (RFC 951), messages without END.
 */

export const Op = { REQUEST: 1, REPLY: 2 } as const;
export type Op = (typeof Op)[keyof typeof Op];

/** RFC 2131 §2: the only flag: the client cannot hear unicast yet. */
export const FLAG_BROADCAST = 0x8000;

/** RFC 1542 §2.1: relays and clients drop what is shorter. */
export const BOOTP_BYTES_MIN = 300;

/** What precedes the options: header and cookie. */
export const HEADER_BYTES = 240;

const CHADDR_BYTES = 16;
export const SNAME_BYTES = 64;
/** With the NUL that ends the name. */
export const FILE_BYTES = 128;
const COOKIE = 0x63825363;
const PAD = 0;
const END = 255;
const OVERLOAD = 52;
/** Of option 52 itself. */
export const OVERLOAD_BYTES = 3;
const OPTION_BYTES_MAX = 255;

/** `data` of a decoded option may point into the received bytes: copy what must outlive them. */
export interface DhcpOption {
  readonly code: number;
  readonly data: Uint8Array;
}

/** RFC 2132 §9.3: options that are written where file and sname would be, each up to its END. */
export interface Overload {
  readonly file: readonly DhcpOption[];
  readonly sname: readonly DhcpOption[];
}

export interface DhcpPacket {
  readonly op: Op;
  /** RFC 1700 "Hardware Type"; 1 is Ethernet. */
  readonly hardwareType: number;
  readonly hops: number;
  readonly xid: number;
  readonly secs: number;
  readonly flags: number;
  readonly ciaddr: Ipv4;
  readonly yiaddr: Ipv4;
  readonly siaddr: Ipv4;
  readonly giaddr: Ipv4;
  /** `hlen` bytes, at most 16. Of a decoded packet, a view into the received bytes. */
  readonly chaddr: Uint8Array;
  readonly sname: string;
  readonly file: string;
  /** In order, each code once, unknown ones too. */
  readonly options: readonly DhcpOption[];
  /** Of a packet to be sent: what `options` have no room for. In a decoded one they are among `options`. */
  readonly overload?: Overload;
  /** Zeros after END fill the message up to so many bytes. */
  readonly paddedTo: number;
}

export function findOption(packet: DhcpPacket, code: number): Uint8Array | undefined {
  return packet.options.find((option) => option.code === code)?.data;
}

export function decodePacket(bytes: Uint8Array): DhcpPacket | Malformed {
  if (bytes.length > DHCP_MESSAGE_BYTES_MAX) return malformed("message too long");
  const reader = new Reader(bytes);
  const op = reader.u8();
  const hardwareType = reader.u8();
  const hardwareBytes = reader.u8();
  const hops = reader.u8();
  const xid = reader.u32();
  const secs = reader.u16();
  const flags = reader.u16();
  const ciaddr = ipv4(reader.u32());
  const yiaddr = ipv4(reader.u32());
  const siaddr = ipv4(reader.u32());
  const giaddr = ipv4(reader.u32());
  const chaddr = reader.take(CHADDR_BYTES);
  const sname = reader.take(SNAME_BYTES);
  const file = reader.take(FILE_BYTES);
  const cookie = reader.u32();
  if (reader.failed) return malformed("shorter than the header");
  if (op !== Op.REQUEST && op !== Op.REPLY) return malformed("op is neither request nor reply");
  if (hardwareBytes > CHADDR_BYTES) return malformed("hlen over 16");
  if (cookie !== COOKIE) return malformed("no DHCP cookie");

  const fields: DhcpOption[] = [];
  if (!readOptions(reader, fields)) return malformed("options without END");
  // RFC 2132 §9.3: 1 says that file holds options, 2 sname, 3 both; RFC 3396 §5: file is read first.
  const overload = fields.find((option) => option.code === OVERLOAD);
  const [where = 0] = overload?.data ?? [];
  const fileHasOptions = (where & 1) !== 0;
  const snameHasOptions = (where & 2) !== 0;
  if (fileHasOptions && !readOptions(new Reader(file), fields)) {
    return malformed("options in file without END");
  }
  if (snameHasOptions && !readOptions(new Reader(sname), fields)) {
    return malformed("options in sname without END");
  }
  const options = joinSplit(fields);
  return {
    op,
    hardwareType,
    hops,
    xid,
    secs,
    flags,
    ciaddr,
    yiaddr,
    siaddr,
    giaddr,
    chaddr: chaddr.subarray(0, hardwareBytes),
    sname: snameHasOptions ? "" : textOf(sname),
    file: fileHasOptions ? "" : textOf(file),
    options: overload === undefined ? options : options.filter(({ code }) => code !== OVERLOAD),
    paddedTo: bytes.length,
  };
}

/** Appends the options up to END; false where END does not come. */
function readOptions(reader: Reader, into: DhcpOption[]): boolean {
  while (!reader.failed) {
    const code = reader.u8();
    if (reader.failed) return false;
    if (code === END) return true;
    if (code === PAD) continue;
    into.push({ code, data: reader.take(reader.u8()) });
  }
  return false;
}

/** RFC 3396 §5: options of one code are one option, cut where the sender needed to. */
function joinSplit(fields: readonly DhcpOption[]): readonly DhcpOption[] {
  const parts = new Map<number, Uint8Array>();
  for (const { code, data } of fields) {
    const before = parts.get(code);
    parts.set(code, before === undefined ? data : concat(before, data));
  }
  // Hardly ever is one split.
  if (parts.size === fields.length) return fields;
  return Array.from(parts, ([code, data]) => ({ code, data }));
}

function concat(first: Uint8Array, second: Uint8Array): Uint8Array {
  return new Writer(first.length + second.length).put(first).put(second).finish();
}

/** Up to the NUL. One character a byte: what these fields hold is ASCII, and nothing else may be lost. */
function textOf(field: Uint8Array): string {
  let text = "";
  for (const byte of field) {
    if (byte === 0) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** The bytes that an option takes in a message: one more header for each 255 bytes begun (RFC 3396 §5). */
export function optionBytes(option: DhcpOption): number {
  const pieces = Math.max(1, Math.ceil(option.data.length / OPTION_BYTES_MAX));
  return option.data.length + 2 * pieces;
}

export function packetBytes(packet: DhcpPacket): number {
  return Math.max(HEADER_BYTES + sizeOf(areaOf(packet)) + 1, packet.paddedTo);
}

export function sizeOf(options: readonly DhcpOption[]): number {
  return options.reduce((sum, option) => sum + optionBytes(option), 0);
}

export function encodePacket(packet: DhcpPacket): Uint8Array {
  const { file = [], sname = [] } = packet.overload ?? {};
  const writer = new Writer(packetBytes(packet));
  writer.u8(packet.op).u8(packet.hardwareType).u8(packet.chaddr.length).u8(packet.hops);
  writer.u32(packet.xid).u16(packet.secs).u16(packet.flags);
  writer.u32(packet.ciaddr).u32(packet.yiaddr).u32(packet.siaddr).u32(packet.giaddr);
  putPadded(writer, packet.chaddr, CHADDR_BYTES);
  putPadded(writer, sname.length > 0 ? field(sname) : packet.sname, SNAME_BYTES);
  putPadded(writer, file.length > 0 ? field(file) : packet.file, FILE_BYTES);
  writer.u32(COOKIE);
  for (const option of areaOf(packet)) putOption(writer, option);
  writer.u8(END);
  return writer.zeros(writer.bytes.length - writer.offset).finish();
}

/** What is written after the cookie; option 52, where it is needed, after the message type, which some want first. */
function areaOf({ options, overload }: DhcpPacket): readonly DhcpOption[] {
  if (overload === undefined) return options;
  const where = (overload.file.length > 0 ? 1 : 0) | (overload.sname.length > 0 ? 2 : 0);
  if (where === 0) return options;
  return [
    ...options.slice(0, 1),
    { code: OVERLOAD, data: Uint8Array.of(where) },
    ...options.slice(1),
  ];
}

function field(options: readonly DhcpOption[]): Uint8Array {
  const writer = new Writer(sizeOf(options) + 1);
  for (const option of options) putOption(writer, option);
  return writer.u8(END).finish();
}

function putOption(writer: Writer, { code, data }: DhcpOption): void {
  if (data.length <= OPTION_BYTES_MAX) {
    writer.u8(code).u8(data.length).put(data);
    return;
  }
  for (let at = 0; at < data.length; at += OPTION_BYTES_MAX) {
    putOption(writer, { code, data: data.subarray(at, at + OPTION_BYTES_MAX) });
  }
}

function putPadded(writer: Writer, field: Uint8Array | string, length: number): void {
  if (field.length > length) throw new RangeError(`${field.length} bytes in a field of ${length}`);
  if (typeof field !== "string") writer.put(field);
  else for (let at = 0; at < field.length; at += 1) writer.u8(field.charCodeAt(at));
  writer.zeros(length - field.length);
}
