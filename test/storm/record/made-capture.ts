import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** Captures, taken apart and written anew in other forms: by hand from draft-ietf-opsawg-pcap and -pcapng. */

export interface CapturedFrame {
  /** µs. */
  readonly at: number;
  readonly bytes: Uint8Array;
  /** As long as it was; undefined: as long as it is. */
  readonly length?: number;
}

const boots = new URL("../../../fixtures/packets/boots/", import.meta.url);

export function bootCapture(name: string): Uint8Array {
  return new Uint8Array(gunzipSync(readFileSync(new URL(`${name}.pcap.gz`, boots))));
}

/** Of tcpdump's own form on this machine's byte order. */
export function framesOf(file: Uint8Array): CapturedFrame[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const frames: CapturedFrame[] = [];
  for (let at = 24; at < file.length; ) {
    const time = view.getUint32(at, true) * 1e6 + view.getUint32(at + 4, true);
    const captured = view.getUint32(at + 8, true);
    const length = view.getUint32(at + 12, true);
    frames.push({ at: time, bytes: file.slice(at + 16, at + 16 + captured), length });
    at += 16 + captured;
  }
  return frames;
}

interface PcapForm {
  readonly little?: boolean;
  readonly nanoseconds?: boolean;
  readonly link?: number;
}

export function pcapOf(frames: readonly CapturedFrame[], form: PcapForm = {}): Uint8Array {
  const { little = true, nanoseconds = false, link = 1 } = form;
  const words: Uint8Array[] = [];
  const u32 = (...values: readonly number[]): void => {
    words.push(...values.map((value) => word(value, little)));
  };
  u32(nanoseconds ? 0xa1b23c4d : 0xa1b2c3d4);
  words.push(little ? Uint8Array.of(2, 0, 4, 0) : Uint8Array.of(0, 2, 0, 4));
  u32(0, 0, 262_144, link);
  for (const { at, bytes, length = bytes.length } of frames) {
    u32(Math.floor(at / 1e6), (at % 1e6) * (nanoseconds ? 1000 : 1), bytes.length, length);
    words.push(bytes);
  }
  return new Uint8Array(Buffer.concat(words));
}

/** One section, one interface whose times are in microseconds (the default) or, as if_tsresol says, in other units. */
export function pcapngOf(
  frames: readonly CapturedFrame[],
  form: { readonly little?: boolean; readonly resolution?: number } = {},
): Uint8Array {
  const { little = true, resolution } = form;
  const block = (type: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const body = Buffer.concat(parts);
    const padding = new Uint8Array((4 - (body.length % 4)) % 4);
    const bytes = word(12 + body.length + padding.length, little);
    return Buffer.concat([word(type, little), bytes, body, padding, bytes]);
  };
  const u16 = (value: number): Uint8Array =>
    word(value, little).subarray(little ? 0 : 2, little ? 2 : 4);
  const perMicrosecond = resolution === undefined ? 1n : 10n ** BigInt(resolution - 6);
  const unit =
    resolution === undefined
      ? []
      : [u16(9), u16(1), Uint8Array.of(resolution, 0, 0, 0), u16(0), u16(0)];
  const packets = frames.map(({ at, bytes, length = bytes.length }) => {
    const units = BigInt(at) * perMicrosecond;
    const times = [Number(units >> 32n), Number(units & 0xffff_ffffn)];
    const head = [0, ...times, bytes.length, length].map((value) => word(value, little));
    return block(6, ...head, bytes);
  });
  const unknown = new Uint8Array(8).fill(255);
  return Buffer.concat([
    block(0x0a0d0d0a, word(0x1a2b3c4d, little), u16(1), u16(0), unknown),
    block(1, u16(1), u16(0), word(0, little), ...unit),
    // A block that no reader knows must be passed over (§3.1).
    block(0x0bad, Uint8Array.of(1, 2, 3)),
    ...packets,
  ]);
}

function word(value: number, little: boolean): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, little);
  return bytes;
}

interface MadeSegment {
  readonly at?: number;
  readonly from: string;
  readonly to: string;
  readonly sequence: number;
  readonly flags?: number;
  readonly text?: string;
}

/** An Ethernet frame with a TCP segment: `10.0.0.2:1000`. No checksums: captures of offloaded segments have none either. */
export function segmentFrame({
  at = 0,
  from,
  to,
  sequence,
  flags = 16,
  text = "",
}: MadeSegment): CapturedFrame {
  const tcp = Buffer.alloc(20);
  tcp.writeUInt16BE(portIn(from), 0);
  tcp.writeUInt16BE(portIn(to), 2);
  tcp.writeUInt32BE(sequence >>> 0, 4);
  tcp.writeUInt8(5 << 4, 12);
  tcp.writeUInt8(flags, 13);
  return { at, bytes: ipFrame(6, from, to, Buffer.concat([tcp, Buffer.from(text, "latin1")])) };
}

export function datagramFrame(
  at: number,
  from: string,
  to: string,
  payload: Uint8Array,
): CapturedFrame {
  return { at, bytes: ipFrame(17, from, to, udpOf(from, to, payload)) };
}

export function udpOf(from: string, to: string, payload: Uint8Array): Uint8Array {
  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(portIn(from), 0);
  udp.writeUInt16BE(portIn(to), 2);
  udp.writeUInt16BE(8 + payload.length, 4);
  return Buffer.concat([udp, payload]);
}

export function ipFrame(
  protocol: number,
  from: string,
  to: string,
  payload: Uint8Array,
  fragment = 0,
): Uint8Array {
  const ethernet = Buffer.alloc(14);
  ethernet.writeUInt16BE(0x0800, 12);
  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(20 + payload.length, 2);
  ip.writeUInt16BE(7, 4);
  ip.writeUInt16BE(fragment, 6);
  ip.writeUInt8(protocol, 9);
  ip.set(addressIn(from), 12);
  ip.set(addressIn(to), 16);
  return new Uint8Array(Buffer.concat([ethernet, ip, payload]));
}

function portIn(endpoint: string): number {
  return Number(endpoint.split(":")[1]);
}

function addressIn(endpoint: string): number[] {
  return (endpoint.split(":")[0] ?? "").split(".").map(Number);
}
