import { type Ipv4, ipv4 } from "../bytes/ipv4.ts";
import type { DhcpOption } from "./packet.ts";

/** The options that we read or write (RFC 2132 unless said otherwise), with readers and writers by type. */
export const Option = {
  SUBNET_MASK: 1,
  ROUTER: 3,
  DNS: 6,
  HOST_NAME: 12,
  DOMAIN: 15,
  ROOT_PATH: 17,
  BROADCAST: 28,
  /** What encapsulates the vendor's own: PXE's (PXE 2.1 §2.2). */
  VENDOR: 43,
  REQUESTED_ADDRESS: 50,
  LEASE_SECONDS: 51,
  MESSAGE_TYPE: 53,
  SERVER_ID: 54,
  PARAMETER_LIST: 55,
  MESSAGE: 56,
  MESSAGE_BYTES_MAX: 57,
  RENEWAL_SECONDS: 58,
  REBINDING_SECONDS: 59,
  VENDOR_CLASS: 60,
  CLIENT_ID: 61,
  TFTP_SERVER: 66,
  BOOT_FILE: 67,
  /** RFC 3004, and iPXE's own form. */
  USER_CLASS: 77,
  /** RFC 3046. */
  RELAY_AGENT: 82,
  /** RFC 4578 §2.1. */
  ARCHITECTURE: 93,
  /** RFC 4578 §2.3. */
  UUID: 97,
  /** RFC 3011. */
  SUBNET_SELECTION: 118,
  /** iPXE's encapsulated options (ipxe.org/howto/dhcpd). */
  IPXE: 175,
} as const;

/** What a relay adds in option 82. */
export const AgentOption = {
  /** RFC 3527: the link that the client is on, where giaddr is not of it. */
  LINK_SELECTION: 5,
  /** RFC 5107: what the client shall take for the server. */
  SERVER_ID: 11,
} as const;

/** RFC 2132 §9.6. */
export const MessageType = {
  DISCOVER: 1,
  OFFER: 2,
  REQUEST: 3,
  DECLINE: 4,
  ACK: 5,
  NAK: 6,
  RELEASE: 7,
  INFORM: 8,
} as const;
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

const messageNames = new Map<number, string>(
  Object.entries(MessageType).map(([name, value]) => [value, name]),
);

export function messageName(type: MessageType): string {
  return messageNames.get(type) ?? String(type);
}

export function readMessageType(data: Uint8Array): MessageType | undefined {
  const [value] = data;
  if (data.length !== 1 || value === undefined || !messageNames.has(value)) return undefined;
  return value as MessageType;
}

export function readAddress(data: Uint8Array): Ipv4 | undefined {
  const value = readNumber(data, 4);
  return value === undefined ? undefined : ipv4(value);
}

const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** An unsigned number of exactly so many bytes. */
export function readNumber(data: Uint8Array, bytes: number): number | undefined {
  if (data.length !== bytes) return undefined;
  let value = 0;
  for (let at = 0; at < bytes; at += 1) value = value * 256 + (data[at] ?? 0);
  return value;
}

/** RFC 2132 §2: a receiver must be prepared to drop the NULs that some put at the end of text. */
export function readText(data: Uint8Array): string {
  return data.length === 0 ? "" : decoder.decode(data).replace(/\0+$/, "");
}

/** RFC 4578 §2.1: a list of 16-bit architecture types, the one that boots first. */
export function readArchitecture(data: Uint8Array): number | undefined {
  return data.length >= 2 && data.length % 2 === 0 ? readNumber(data.subarray(0, 2), 2) : undefined;
}

/**
 * RFC 4578 §2.3: type 0 and 16 bytes, here in the order in which they came, as PXELINUX writes them in file names.
 * A machine without a UUID sends zeros (QEMU) or ones (boards never programmed): that names nobody.
 */
export function readUuid(data: Uint8Array): string | undefined {
  const bytes = data.subarray(1);
  if (data[0] !== 0 || bytes.length !== 16) return undefined;
  if (bytes.every((byte) => byte === 0) || bytes.every((byte) => byte === 255)) return undefined;
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** RFC 3004 §4: classes, each after its length. iPXE sends the bare text instead: `iPXE`, without a length. */
export function readUserClasses(data: Uint8Array): string[] {
  const classes: string[] = [];
  for (let at = 0; at < data.length; ) {
    const end = at + 1 + (data[at] ?? 0);
    if (end > data.length) return [readText(data)];
    classes.push(readText(data.subarray(at + 1, end)));
    at = end;
  }
  return classes;
}

/** RFC 3046 §2: the data of a sub-option; code, length and data each. */
export function readSubOption(data: Uint8Array, code: number): Uint8Array | undefined {
  for (let at = 0; at + 2 <= data.length; ) {
    const end = at + 2 + (data[at + 1] ?? 0);
    if (end > data.length) return undefined;
    if (data[at] === code) return data.subarray(at + 2, end);
    at = end;
  }
  return undefined;
}

export function addressOption(code: number, ...addresses: readonly Ipv4[]): DhcpOption {
  return wordsOption(code, addresses);
}

export function secondsOption(code: number, seconds: number): DhcpOption {
  return wordsOption(code, [seconds]);
}

/** 32 bits each, big-endian. */
function wordsOption(code: number, words: readonly number[]): DhcpOption {
  const data = new Uint8Array(4 * words.length);
  let at = 0;
  for (const word of words) {
    data[at] = word >>> 24;
    data[at + 1] = word >>> 16;
    data[at + 2] = word >>> 8;
    data[at + 3] = word;
    at += 4;
  }
  return { code, data };
}

export function byteOption(code: number, value: number): DhcpOption {
  return { code, data: Uint8Array.of(value) };
}

/** RFC 2132 §2: text is sent without a NUL. */
export function textOption(code: number, text: string): DhcpOption {
  return { code, data: encoder.encode(text) };
}
