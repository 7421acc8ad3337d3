import { serialDistance } from "../../bytes/serial.ts";
import { STORM_GAP_BYTES_MAX } from "../../limits.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Segment } from "./packets.ts";

/**
 * TCP connections out of captured segments, RFC 9293 §3.4: in the order of their sequence numbers, each byte as it first
 * came. What came again adds nothing; what came late is in its place, with the time at which it came.
 */
export interface Stream {
  /** Who opened the connection, and to whom. */
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly openedAt: number;
  /** µs, of the first FIN or RST of either side; undefined: still open at the capture's end. */
  readonly closedAt: number | undefined;
  /** By the client. */
  readonly sent: Bytes;
  readonly received: Bytes;
  /** Of the time between, in µs: how long the server had been heard, and the client had not yet asked or let it go on. */
  ownTime(from: number, to: number): number;
}

/** One direction. */
export interface Bytes {
  /** Whole, in order; zeros where the capture has gaps. */
  readonly bytes: Uint8Array;
  readonly gaps: readonly Gap[];
  /** µs since the capture began, when all bytes up to the one at this offset had been on the wire: grows with the offset. */
  timeAt(offset: number): number;
}

export interface Gap {
  readonly offset: number;
  readonly bytes: number;
}

const Flag = { FIN: 1, SYN: 2, RST: 4, ACK: 16 } as const;

/** Takes segments as they come, gives the connections that they were of. */
export class StreamTable {
  /** By both endpoints: the last connection that used these. */
  readonly #open = new Map<string, Connection>();
  readonly #all: Connection[] = [];

  push(segment: Segment): void {
    const { from, to, flags } = segment;
    const there = `${name(from)} ${name(to)}`;
    const back = `${name(to)} ${name(from)}`;
    const known = this.#open.get(there) ?? this.#open.get(back);
    if (known !== undefined && !isAnew(known, segment)) {
      known.push(segment);
      return;
    }
    if (known === undefined && segment.length === 0 && (flags & Flag.SYN) === 0) return;
    const isAnswer = (flags & (Flag.SYN | Flag.ACK)) === (Flag.SYN | Flag.ACK);
    const connection = isAnswer ? new Connection(to, from) : new Connection(from, to);
    this.#open.delete(back);
    this.#open.set(there, connection);
    this.#all.push(connection);
    connection.push(segment);
  }

  /** Of the host at this address as a client, in the order in which they were opened. */
  *of(isClient: (client: Endpoint) => boolean): Generator<Stream> {
    const room = { gapBytes: STORM_GAP_BYTES_MAX };
    for (const connection of this.#all) {
      const stream = connection.asSeenBy(isClient, room);
      if (stream !== undefined) yield stream;
    }
  }
}

function name(endpoint: Endpoint): string {
  return `${endpoint.address}:${endpoint.port}`;
}

/** A SYN with another sequence number than the last: the ports are used again. */
function isAnew(connection: Connection, { from, flags, sequence }: Segment): boolean {
  if ((flags & (Flag.SYN | Flag.ACK)) !== Flag.SYN) return false;
  return name(from) !== name(connection.client) || connection.sent.synAt !== sequence;
}

class Connection {
  readonly client: Endpoint;
  readonly server: Endpoint;
  readonly sent = new Direction();
  readonly #received = new Direction();
  readonly #own = new OwnTime();
  #openedAt: number | undefined;
  #closedAt: number | undefined;

  constructor(client: Endpoint, server: Endpoint) {
    this.client = client;
    this.server = server;
  }

  push(segment: Segment): void {
    this.#openedAt ??= segment.at;
    if ((segment.flags & (Flag.FIN | Flag.RST)) !== 0) this.#closedAt ??= segment.at;
    const isSent = name(segment.from) === name(this.client);
    (isSent ? this.sent : this.#received).push(segment);
    if (isSent) this.#own.went(segment.at);
    else if (segment.length > 0) this.#own.heard(segment.at);
  }

  /** Undefined where another opened it. Where nobody was seen to open it, whoever is asked for did. */
  asSeenBy(isClient: (client: Endpoint) => boolean, room: Room): Stream | undefined {
    const openedAt = this.#openedAt ?? 0;
    const closedAt = this.#closedAt;
    const isOwn = isClient(this.client);
    if (!isOwn && (this.sent.synAt !== undefined || !isClient(this.server))) return undefined;
    const [there, back] = [this.sent.assembled(room), this.#received.assembled(room)];
    if (isOwn) {
      const { client, server } = this;
      const ownTime = (from: number, to: number): number => this.#own.between(from, to);
      return { client, server, openedAt, closedAt, sent: there, received: back, ownTime };
    }
    const [client, server] = [this.server, this.client];
    return { client, server, openedAt, closedAt, sent: back, received: there, ownTime: () => 0 };
  }
}

/** How long a client was heard from, again and again, before it went on. */
export class OwnTime {
  readonly #ends: number[] = [];
  /** Up to each of those ends, all together. */
  readonly #totals: number[] = [];
  #heardAt: number | undefined;

  heard(at: number): void {
    this.#heardAt = at;
  }

  went(at: number): void {
    if (this.#heardAt === undefined) return;
    this.#totals.push((this.#totals.at(-1) ?? 0) + at - this.#heardAt);
    this.#ends.push(at);
    this.#heardAt = undefined;
  }

  between(from: number, to: number): number {
    return this.#until(to) - this.#until(from);
  }

  #until(time: number): number {
    return this.#totals[firstAfter(this.#ends, time) - 1] ?? 0;
  }
}

/** Of ascending numbers, the index of the first that is greater; beyond the last: none is. */
function firstAfter(numbers: readonly number[], value: number): number {
  let [low, high] = [0, numbers.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] ?? 0) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Bytes of one segment, from where its direction began. */
interface Piece {
  readonly offset: number;
  readonly at: number;
  readonly payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** For zeros, in all connections together: whoever makes a capture could have each lack gigabytes. */
interface Room {
  gapBytes: number;
}

class Direction {
  readonly #pieces: Piece[] = [];
  /** The sequence number of its SYN. */
  synAt: number | undefined;
  /** A sequence number and the offset that it stands for: others are near. */
  #sequence: number | undefined;
  #offset = 0;
  /** Without its SYN, the first that was seen need not be the first that was sent. */
  #start = 0;
  /** Up to here nothing is missing. */
  #whole = 0;

  push({ at, flags, sequence, payload, length }: Segment): void {
    const isSyn = (flags & Flag.SYN) !== 0;
    if (isSyn) this.synAt = sequence;
    const first = isSyn ? (sequence + 1) >>> 0 : sequence;
    if (this.#sequence === undefined) this.#sequence = first;
    const offset = this.#offset + serialDistance(this.#sequence, first);
    this.#keep({ offset, at, payload });
    // How far it goes, where the capture has not all of it.
    const isEnd = (flags & Flag.FIN) !== 0 || payload.length < length;
    if (isEnd) this.#pieces.push({ offset: offset + length, at, payload: NOTHING });
    if (offset + length <= this.#offset) return;
    this.#sequence = (first + length) >>> 0;
    this.#offset = offset + length;
  }

  /** What was there before came again, and is left out. */
  #keep(piece: Piece): void {
    // What went before the first that was seen need not be whole.
    const again = piece.offset >= 0 ? Math.max(0, this.#whole - piece.offset) : 0;
    const payload = piece.payload.subarray(again);
    if (payload.length === 0) return;
    const offset = piece.offset + again;
    if (offset === this.#whole) this.#whole += payload.length;
    if (this.synAt === undefined) this.#start = Math.min(this.#start, offset);
    this.#pieces.push({ offset, at: piece.at, payload });
  }

  assembled(room: Room): Bytes {
    const pieces = this.#pieces.toSorted((a, b) => a.offset - b.offset || a.at - b.at);
    const start = this.#start;
    const gaps: Gap[] = [];
    let end = start;
    let taken = 0;
    for (const { offset, payload } of pieces) {
      const gap = Math.max(0, offset - end);
      if (gap > room.gapBytes) break;
      if (gap > 0) gaps.push({ offset: end - start, bytes: gap });
      room.gapBytes -= gap;
      end = Math.max(end, offset + payload.length);
      taken += 1;
    }
    return new Assembled(pieces.slice(0, taken), gaps, start, end);
  }
}

class Assembled implements Bytes {
  readonly bytes: Uint8Array;
  readonly gaps: readonly Gap[];
  /** Ends of what came together, and when that and all before it had come. */
  readonly #ends: number[] = [];
  readonly #times: number[] = [];

  constructor(pieces: readonly Piece[], gaps: readonly Gap[], start: number, end: number) {
    this.bytes = new Uint8Array(end - start);
    this.gaps = gaps;
    let filled = start;
    let time = 0;
    for (const { offset, payload, at } of pieces) {
      if (offset + payload.length <= filled) continue;
      const fresh = payload.subarray(Math.max(0, filled - offset));
      const from = Math.max(offset, filled);
      this.bytes.set(fresh, from - start);
      filled = from + fresh.length;
      time = Math.max(time, at);
      this.#ends.push(filled - start);
      this.#times.push(time);
    }
  }

  timeAt(offset: number): number {
    const last = this.#ends.length - 1;
    return this.#times[Math.min(firstAfter(this.#ends, offset), last)] ?? 0;
  }
}
