import { readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { type Ipv4, ipv4 } from "../src/bytes/ipv4.ts";
import { Reader } from "../src/bytes/reader.ts";

/** Reads the captures below fixtures/packets: classic pcap, Ethernet, IPv4. */

export interface UdpFrame {
  readonly seconds: number;
  readonly from: { readonly address: Ipv4; readonly port: number };
  readonly to: { readonly address: Ipv4; readonly port: number };
  readonly bytes: Uint8Array;
}

interface TcpFrame extends UdpFrame {
  readonly sequence: number;
  readonly syn: boolean;
}

/** One direction of a TCP connection from its SYN, as far as the capture has it without a hole. */
export interface TcpStream {
  readonly from: UdpFrame["from"];
  readonly to: UdpFrame["to"];
  readonly bytes: Uint8Array;
}

const boots = new URL("../fixtures/packets/boots/", import.meta.url);

/** The names of all boot captures. */
export const bootCaptures: readonly string[] = readdirSync(boots)
  .filter((name) => name.endsWith(".pcap.gz"))
  .map((name) => name.slice(0, -".pcap.gz".length))
  .sort();

/** All UDP datagrams of a boot capture, in order. */
export function udpFrames(capture: string): UdpFrame[] {
  return [...frames(capture)].flatMap((frame) => (frame.udp === undefined ? [] : [frame.udp]));
}

/** Both directions of each TCP connection to the server's port, in order of their SYN. */
export function tcpStreams(capture: string, serverPort: number): TcpStream[] {
  const directions = new Map<string, TcpFrame[]>();
  for (const { tcp } of frames(capture)) {
    if (tcp === undefined) continue;
    if (tcp.from.port !== serverPort && tcp.to.port !== serverPort) continue;
    const key = `${tcp.from.address}:${tcp.from.port}>${tcp.to.address}:${tcp.to.port}`;
    const seen = directions.get(key);
    // A port can be used again: a new SYN begins a new stream.
    if (seen === undefined || (tcp.syn && seen[0]?.sequence !== tcp.sequence)) {
      if (seen !== undefined) directions.set(`${key}#${directions.size}`, seen);
      directions.delete(key);
      directions.set(key, [tcp]);
    } else seen.push(tcp);
  }
  return [...directions.values()].flatMap((list) => assemble(list));
}

function assemble(list: readonly TcpFrame[]): TcpStream[] {
  const first = list.find((frame) => frame.syn);
  if (first === undefined) return [];
  const chunks: Uint8Array[] = [];
  let length = 0;
  const pending = list.filter((frame) => frame.bytes.length > 0);
  const relative = (frame: TcpFrame): number => (frame.sequence - first.sequence - 1) | 0;
  pending.sort((a, b) => relative(a) - relative(b));
  for (const frame of pending) {
    const at = relative(frame);
    if (at > length) break;
    const fresh = frame.bytes.subarray(length - at);
    chunks.push(fresh);
    length += fresh.length;
  }
  return [{ from: first.from, to: first.to, bytes: Uint8Array.from(Buffer.concat(chunks)) }];
}

function* frames(capture: string): Generator<{ udp?: UdpFrame; tcp?: TcpFrame }> {
  const file = gunzipSync(readFileSync(new URL(`${capture}.pcap.gz`, boots)));
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const little = view.getUint32(0, true) === 0xa1b2c3d4;
  for (let at = 24; at + 16 <= file.length; ) {
    const seconds = view.getUint32(at, little) + view.getUint32(at + 4, little) / 1e6;
    const captured = view.getUint32(at + 8, little);
    const frame = Uint8Array.from(file.subarray(at + 16, at + 16 + captured));
    at += 16 + captured;
    yield parseEthernet(frame, seconds);
  }
}

function parseEthernet(frame: Uint8Array, seconds: number): { udp?: UdpFrame; tcp?: TcpFrame } {
  const reader = new Reader(frame);
  reader.skip(12);
  if (reader.u16() !== 0x0800) return {};
  const headerBytes = (reader.u8() & 15) * 4;
  reader.skip(1);
  const totalBytes = reader.u16();
  reader.skip(5);
  const protocol = reader.u8();
  reader.skip(2);
  const source = ipv4(reader.u32());
  const target = ipv4(reader.u32());
  reader.skip(headerBytes - 20);
  const from = { address: source, port: reader.u16() };
  const to = { address: target, port: reader.u16() };
  // Offloaded segments can carry a total length of 0.
  const end = totalBytes === 0 ? frame.length : Math.min(frame.length, 14 + totalBytes);
  if (protocol === 17) {
    reader.skip(4);
    return { udp: { seconds, from, to, bytes: frame.slice(reader.offset, end) } };
  }
  if (protocol !== 6) return {};
  const sequence = reader.u32();
  reader.skip(4);
  const dataOffset = (reader.u8() >> 4) * 4;
  const syn = (reader.u8() & 2) !== 0;
  const start = 14 + headerBytes + dataOffset;
  return { tcp: { seconds, from, to, sequence, syn, bytes: frame.slice(start, end) } };
}
