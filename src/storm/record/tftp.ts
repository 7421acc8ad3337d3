import { isMalformed } from "../../bytes/malformed.ts";
import { STORM_CONFIG_BYTES_MAX } from "../../limits.ts";
import {
  DATA_HEADER_BYTES,
  type DataPacket,
  decode,
  Opcode,
  type Packet,
  type RequestPacket,
} from "../../tftp/packet.ts";
import type { FileDeed } from "../trace/trace.ts";
import type { Fetched } from "./fetched.ts";
import type { Datagram } from "./packets.ts";
import { OwnTime } from "./streams.ts";

/** TFTP transfers out of datagrams: RFC 1350, 2347 to 2349, 7440. */

const PORT = 69;
const BLOCK_BYTES = 512;
/** RFC 2348: what says less is no size. */
const BLOCK_BYTES_MIN = 8;
const BLOCK_NUMBERS = 65_536;

/**
 * Of the datagrams of one client, in order. A transfer is all that comes to the port which asked for it. `unfinished` is
 * told the names of those whose end the capture has not.
 */
export function tftpFetchesOf(
  datagrams: readonly Datagram[],
  isClient: (from: Datagram["from"]) => boolean,
  unfinished: (name: string) => void,
): Fetched[] {
  const all: Transfer[] = [];
  const byPort = new Map<number, Transfer>();
  for (const datagram of datagrams) {
    const { from, to, at, payload, length } = datagram;
    const isSent = isClient(from);
    const transfer = byPort.get((isSent ? from : to).port);
    if (isSent ? to.port !== PORT && transfer === undefined : transfer === undefined) continue;
    const packet = decode(payload);
    if (isMalformed(packet)) continue;
    if (packet.opcode === Opcode.RRQ) {
      if (transfer?.isRepeated(packet) === true) continue;
      const begun = new Transfer(packet, at);
      byPort.set(from.port, begun);
      all.push(begun);
    } else if (isSent) transfer?.sent(packet, at, to.port);
    else transfer?.received(packet, at, length, from.port);
  }
  return all.flatMap((transfer) => {
    const fetched = transfer.fetched();
    if (fetched === undefined) unfinished(transfer.request.name);
    return fetched ?? [];
  });
}

class Transfer {
  readonly request: RequestPacket;
  readonly #sentAt: number;
  #blockBytes = BLOCK_BYTES;
  /** RFC 2349: what the server said. */
  #size: number | undefined;
  /** Of blocks counted on beyond 65,535: the highest yet, and how much it had. */
  #highest = 0;
  #highestBytes = 0;
  /** From the first block on without a gap, while they are short. */
  readonly #parts: Uint8Array[] = [];
  #partsBytes = 0;
  #answeredAt: number | undefined;
  /** RFC 1350 §4: the server's port that the client goes on with, where a request that came twice has two answers. */
  #peer: number | undefined;
  /** When the last block first came, and what came last before it was acknowledged. */
  #completeAt: number | undefined;
  #dataAt = 0;
  readonly #own = new OwnTime();
  #end: { readonly at: number; readonly ends: FileDeed["ends"] } | undefined;

  constructor(request: RequestPacket, at: number) {
    this.request = request;
    this.#sentAt = at;
  }

  /** Asked again, because no answer came in time. */
  isRepeated({ name }: RequestPacket): boolean {
    return this.#highest === 0 && this.#end === undefined && name === this.request.name;
  }

  sent(packet: Packet, at: number, to: number): void {
    if (this.#end !== undefined || !this.#isWith(to)) return;
    this.#peer = to;
    this.#own.went(at);
    if (packet.opcode === Opcode.ERROR) {
      this.#end = { at: this.#answeredAt ?? at, ends: "size" };
    } else if (packet.opcode === Opcode.ACK && this.#completeAt !== undefined) {
      if (packet.block !== this.#highest % BLOCK_NUMBERS) return;
      this.#end = { at: this.#dataAt, ends: "whole" };
    }
  }

  #isWith(port: number): boolean {
    return this.#peer === undefined || this.#peer === port;
  }

  received(packet: Packet, at: number, length: number, from: number): void {
    if (this.#end !== undefined || !this.#isWith(from)) return;
    this.#answeredAt ??= at;
    this.#own.heard(at);
    if (packet.opcode === Opcode.ERROR) this.#end = { at, ends: "missing" };
    else if (packet.opcode === Opcode.DATA) this.#blocks(packet, length - DATA_HEADER_BYTES, at);
    else if (packet.opcode === Opcode.OACK) {
      for (const { name, value } of packet.options) this.#agreed(name.toLowerCase(), value);
    }
  }

  #agreed(name: string, value: string): void {
    if (!/^\d{1,12}$/.test(value)) return;
    if (name === "blksize" && Number(value) >= BLOCK_BYTES_MIN) this.#blockBytes = Number(value);
    if (name === "tsize") this.#size = Number(value);
  }

  /**
   * What Linux is to send as several datagrams and cuts late (UDP_SEGMENT, udp(7)) is one to who captures on that machine:
   * blocks, each with its header, that are no shorter than the agreed size but for the last.
   */
  #blocks({ block, data }: DataPacket, bytes: number, at: number): void {
    const step = this.#blockBytes + DATA_HEADER_BYTES;
    for (let [start, next] = [0, block]; start <= bytes; start += step, next += 1) {
      const part = data.subarray(start, start + this.#blockBytes);
      this.#data(next % BLOCK_NUMBERS, part, Math.min(this.#blockBytes, bytes - start), at);
    }
  }

  #data(block: number, data: Uint8Array, bytes: number, at: number): void {
    this.#dataAt = at;
    const ahead = (block - (this.#highest % BLOCK_NUMBERS) + BLOCK_NUMBERS) % BLOCK_NUMBERS;
    if (ahead === 0 || ahead >= BLOCK_NUMBERS / 2) return;
    const isNext = this.#highest === this.#parts.length && ahead === 1 && data.length === bytes;
    if (isNext && this.#partsBytes + bytes <= STORM_CONFIG_BYTES_MAX) {
      this.#parts.push(data);
      this.#partsBytes += bytes;
    }
    this.#highest += ahead;
    this.#highestBytes = bytes;
    if (bytes < this.#blockBytes) this.#completeAt ??= at;
  }

  fetched(): Fetched | undefined {
    const end =
      this.#end ??
      (this.#completeAt === undefined
        ? undefined
        : { at: this.#completeAt, ends: "whole" as const });
    if (end === undefined) return undefined;
    const isWhole = end.ends === "whole";
    const counted =
      this.#highest === 0 ? 0 : (this.#highest - 1) * this.#blockBytes + this.#highestBytes;
    return {
      sentAt: this.#sentAt,
      endedAt: end.at - this.#own.between(this.#sentAt, end.at),
      deed: {
        kind: "tftp",
        path: this.request.name,
        options: this.request.options.map(({ name, value }) => [name, value]),
        ends: end.ends,
        bytes: isWhole ? counted : (this.#size ?? 0),
      },
      text: isWhole && counted === this.#partsBytes ? textOf(this.#parts) : undefined,
    };
  }
}

function textOf(parts: readonly Uint8Array[]): string {
  return Buffer.concat(parts).toString("latin1");
}
