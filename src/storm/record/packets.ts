import { Bounded } from "../../bytes/bounded.ts";
import { type Ipv4, ipv4 } from "../../bytes/ipv4.ts";
import { Reader } from "../../bytes/reader.ts";
import { STORM_FRAGMENTED_MAX, STORM_FRAGMENTS_MAX } from "../../limits.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { type Frame, LinkType } from "./frame.ts";

/** Datagrams and segments in captured frames. Times are µs since the capture began. */

export interface Datagram {
  readonly at: number;
  readonly from: Endpoint;
  readonly to: Endpoint;
  /** As much of it as was captured. */
  readonly payload: Uint8Array;
  /** As much as was sent. */
  readonly length: number;
}

export interface Segment extends Datagram {
  readonly sequence: number;
  /** RFC 9293 §3.1: the eight control bits. */
  readonly flags: number;
}

export type Packet = ({ readonly kind: "udp" } & Datagram) | ({ readonly kind: "tcp" } & Segment);

const ETHERTYPE_IPV4 = 0x0800;
/** IEEE 802.1Q and 802.1ad: four bytes more, then the real type. */
const VLAN_TYPES = [0x8100, 0x88a8];
const UDP = 17;
const TCP = 6;
const UDP_HEADER_BYTES = 8;
const TCP_HEADER_BYTES = 20;
const MORE_FRAGMENTS = 0x2000;

interface IpPacket {
  readonly source: Ipv4;
  readonly destination: Ipv4;
  readonly protocol: number;
  readonly id: number;
  /** In bytes, of a fragment. */
  readonly offset: number;
  readonly more: boolean;
  readonly payload: Uint8Array;
  readonly length: number;
}

/** Reads one frame after the other; fragments are kept until their datagram is whole. */
export class PacketReader {
  readonly #fragmented = new Bounded<string, readonly IpPacket[]>(STORM_FRAGMENTED_MAX);

  /** Undefined: no UDP or TCP over IPv4, or not whole yet. */
  read(frame: Frame): Packet | undefined {
    const reader = new Reader(frame.bytes);
    if (!skipLinkHeader(reader, frame.link)) return undefined;
    const packet = readIpv4(reader, frame.length);
    const whole = packet && (isFragment(packet) ? this.#defragment(packet) : packet);
    if (whole === undefined) return undefined;
    if (whole.protocol === UDP) return readUdp(whole, frame.at);
    return whole.protocol === TCP ? readTcp(whole, frame.at) : undefined;
  }

  /** RFC 791 §3.2; parts that overlap: the one further on wins. */
  #defragment(part: IpPacket): IpPacket | undefined {
    const key = `${part.source} ${part.destination} ${part.protocol} ${part.id}`;
    const parts = [...(this.#fragmented.get(key) ?? []), part];
    this.#fragmented.delete(key);
    if (parts.length > STORM_FRAGMENTS_MAX) return undefined;
    const whole = joined(parts);
    if (whole !== undefined) return whole;
    this.#fragmented.put(key, parts);
    return undefined;
  }
}

function isFragment({ more, offset }: IpPacket): boolean {
  return more || offset > 0;
}

function joined(parts: readonly IpPacket[]): IpPacket | undefined {
  const sorted = parts.toSorted((a, b) => a.offset - b.offset);
  let end = 0;
  for (const { offset, length } of sorted) {
    if (offset > end) return undefined;
    end = Math.max(end, offset + length);
  }
  const [first, last] = [sorted[0], sorted.at(-1)];
  if (first === undefined || last === undefined || last.more) return undefined;
  const payload = new Uint8Array(end);
  for (const part of sorted) payload.set(part.payload, part.offset);
  return { ...first, payload, length: end };
}

function skipLinkHeader(reader: Reader, link: number): boolean {
  if (link === LinkType.RAW) return true;
  if (link !== LinkType.LINUX_SLL2) reader.skip(link === LinkType.LINUX_SLL ? 14 : 12);
  let type = reader.u16();
  if (link === LinkType.LINUX_SLL2) reader.skip(18);
  while (VLAN_TYPES.includes(type)) {
    reader.skip(2);
    type = reader.u16();
  }
  return type === ETHERTYPE_IPV4;
}

/** `frameBytes`: as it was sent, of which `reader` may have the beginning only. */
function readIpv4(reader: Reader, frameBytes: number): IpPacket | undefined {
  const start = reader.offset;
  const first = reader.u8();
  reader.skip(1);
  const total = reader.u16();
  const id = reader.u16();
  const fragment = reader.u16();
  reader.skip(1);
  const protocol = reader.u8();
  reader.skip(2);
  const source = ipv4(reader.u32());
  const destination = ipv4(reader.u32());
  const headerBytes = (first & 15) * 4;
  reader.skip(Math.max(0, headerBytes - 20));
  // Segments that the network card is to cut can have a total length of 0.
  const packetBytes = total === 0 ? frameBytes - start : total;
  if (reader.failed || first >> 4 !== 4 || headerBytes < 20 || packetBytes < headerBytes) {
    return undefined;
  }
  const length = packetBytes - headerBytes;
  return {
    source,
    destination,
    protocol,
    id,
    offset: (fragment & 0x1fff) * 8,
    more: (fragment & MORE_FRAGMENTS) !== 0,
    payload: reader.take(Math.min(length, reader.remaining)),
    length,
  };
}

function readUdp(packet: IpPacket, at: number): Packet | undefined {
  const reader = new Reader(packet.payload);
  const from = { address: packet.source, port: reader.u16() };
  const to = { address: packet.destination, port: reader.u16() };
  const length = reader.u16() - UDP_HEADER_BYTES;
  reader.skip(2);
  if (reader.failed || length < 0) return undefined;
  const payload = reader.take(Math.min(length, reader.remaining));
  return { kind: "udp", at, from, to, payload, length };
}

function readTcp(packet: IpPacket, at: number): Packet | undefined {
  const reader = new Reader(packet.payload);
  const from = { address: packet.source, port: reader.u16() };
  const to = { address: packet.destination, port: reader.u16() };
  const sequence = reader.u32();
  reader.skip(4);
  const headerBytes = (reader.u8() >> 4) * 4;
  const flags = reader.u8();
  reader.skip(Math.max(0, headerBytes - 14));
  const length = packet.length - headerBytes;
  if (reader.failed || headerBytes < TCP_HEADER_BYTES || length < 0) return undefined;
  const payload = reader.take(reader.remaining);
  return { kind: "tcp", at, from, to, payload, length, sequence, flags };
}
