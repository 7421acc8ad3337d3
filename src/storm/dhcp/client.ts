import type { Ipv4 } from "../../bytes/ipv4.ts";
import { MessageType, Option, readAddress, readMessageType } from "../../dhcp/options.ts";
import { type DhcpPacket, findOption, Op } from "../../dhcp/packet.ts";
import {
  STORM_DHCP_NAKS_MAX,
  STORM_DHCP_REQUESTS_MAX,
  STORM_DHCP_UNANSWERED_MAX,
  STORM_DHCP_WAIT_MAX_MS,
  STORM_DHCP_WAIT_MS,
} from "../../limits.ts";
import { type Alarm, after, type Clock, type Instant } from "../../net/clock.ts";
import type { SimulatedIdentity, Tally } from "../client.ts";
import type { DhcpDeed } from "../trace/trace.ts";
import { type Lease, leaseOf } from "./lease.ts";
import { encodeAsked, xidOf } from "./message.ts";

export interface DhcpClientOptions {
  readonly identity: SimulatedIdentity;
  /** To the relay. */
  readonly send: (datagram: Uint8Array) => void;
  readonly clock: Clock;
  /** From 0 up to 1, without it. */
  readonly random: () => number;
  /** Its address: giaddr, where servers send their answers. */
  readonly relay: Ipv4;
  readonly tally: Tally;
  readonly patienceMs: number;
}

export type LeaseDone = (failure: string | undefined, lease?: Lease) => void;

interface Offer {
  readonly address: Ipv4;
  readonly server: Ipv4;
}

/** One conversation, from DISCOVER to ACK. */
interface Talk {
  readonly deed: DhcpDeed;
  readonly thinkMs: number;
  readonly done: LeaseDone;
  readonly xid: number;
  readonly begunAt: Instant;
  phase: "selecting" | "thinking" | "requesting";
  offer: Offer | undefined;
  /** Of the message that is waited for an answer to. */
  firstSentAt: Instant;
  secs: number;
  times: number;
  sentBytes: number;
  naks: number;
  /** How often no REQUEST of an offer was answered. */
  unanswered: number;
  /** That anything was heard. */
  heardAt: Instant;
}

/** RFC 2131 §4.4.1 as a node with nothing but its hardware does it: the first OFFER is taken. */
export class DhcpClient {
  readonly #options: DhcpClientOptions;
  readonly #alarm: Alarm;
  #talk: Talk | undefined;

  constructor(options: DhcpClientOptions) {
    this.#options = options;
    this.#alarm = options.clock.alarm(() => this.#ring());
  }

  /** `think`: what the recorded time from OFFER to REQUEST is multiplied with. */
  run(deed: DhcpDeed, think: number, done: LeaseDone): void {
    const { clock, identity, random } = this.#options;
    const now = clock.now();
    this.#talk = {
      deed,
      thinkMs: (deed.think / 1000) * think,
      done,
      xid: xidOf(identity.index, random),
      begunAt: now,
      phase: "selecting",
      offer: undefined,
      firstSentAt: now,
      secs: 0,
      times: 0,
      sentBytes: 0,
      naks: 0,
      unanswered: 0,
      heardAt: now,
    };
    this.#send(this.#talk);
  }

  /** What the relay got for this node's xid. */
  receive(packet: DhcpPacket): void {
    const talk = this.#talk;
    if (talk === undefined || packet.op !== Op.REPLY || packet.xid !== talk.xid) return;
    const { tally } = this.#options;
    const type = readMessageType(findOption(packet, Option.MESSAGE_TYPE) ?? new Uint8Array());
    const server = readAddress(findOption(packet, Option.SERVER_ID) ?? new Uint8Array());
    if (server === undefined) tally.complained("dhcp", "no server identifier");
    else if (type === MessageType.OFFER) this.#offered(talk, packet, server);
    else if (talk.phase !== "requesting" || server !== talk.offer?.server) return;
    else if (type === MessageType.ACK) this.#acknowledged(talk, packet, server);
    else if (type === MessageType.NAK) this.#refused(talk);
  }

  /** Forgets what it was about; `done` is not called. */
  stop(): void {
    this.#talk = undefined;
    this.#alarm.set(undefined);
  }

  #offered(talk: Talk, packet: DhcpPacket, server: Ipv4): void {
    // Others' offers, and those to a DISCOVER that was sent again.
    if (talk.phase !== "selecting") return;
    if (packet.yiaddr === 0) {
      this.#options.tally.complained("dhcp", "OFFER of no address");
      return;
    }
    this.#answered(talk, "DISCOVER", packet);
    talk.offer = { address: packet.yiaddr, server };
    talk.phase = "thinking";
    talk.times = 0;
    this.#alarm.set(after(this.#options.clock.now(), talk.thinkMs));
    if (talk.thinkMs === 0) this.#ring();
  }

  #acknowledged(talk: Talk, packet: DhcpPacket, server: Ipv4): void {
    this.#answered(talk, "REQUEST", packet);
    if (packet.yiaddr !== talk.offer?.address) {
      this.#options.tally.complained("dhcp", "ACK of another address than was offered");
    }
    this.stop();
    talk.done(undefined, leaseOf(packet, server));
  }

  /** RFC 2131 §3.1, 4: from the beginning. */
  #refused(talk: Talk): void {
    this.#options.tally.complained("dhcp", "NAK");
    talk.naks += 1;
    talk.heardAt = this.#options.clock.now();
    if (talk.naks > STORM_DHCP_NAKS_MAX) this.#fail(talk, "DHCP: refused again and again (NAK)");
    else this.#begin(talk);
  }

  #answered(talk: Talk, operation: string, packet: DhcpPacket): void {
    const { clock, tally } = this.#options;
    const now = clock.now();
    talk.heardAt = now;
    tally.answered("dhcp", operation, now - talk.firstSentAt, packet.paddedTo, talk.sentBytes);
  }

  #ring(): void {
    const talk = this.#talk;
    if (talk === undefined) return;
    const { clock, patienceMs } = this.#options;
    if (talk.phase === "thinking") {
      talk.phase = "requesting";
      talk.heardAt = clock.now();
      this.#send(talk);
    } else if (clock.now() - talk.heardAt >= patienceMs) this.#fail(talk, "DHCP: no answer");
    else if (talk.phase === "requesting" && talk.times >= STORM_DHCP_REQUESTS_MAX) {
      talk.unanswered += 1;
      if (talk.unanswered >= STORM_DHCP_UNANSWERED_MAX)
        this.#fail(talk, "DHCP: offers, and no answer to a REQUEST");
      else this.#begin(talk);
    } else this.#send(talk);
  }

  #begin(talk: Talk): void {
    talk.phase = "selecting";
    talk.offer = undefined;
    talk.times = 0;
    this.#send(talk);
  }

  #send(talk: Talk): void {
    const { clock, identity, relay, send, tally, patienceMs } = this.#options;
    const now = clock.now();
    // RFC 2131 §3.1, 3: a REQUEST says what its DISCOVER said.
    if (talk.offer === undefined) talk.secs = Math.floor((now - talk.begunAt) / 1000) & 0xffff;
    const datagram = encodeAsked({
      identity,
      xid: talk.xid,
      secs: talk.secs,
      flags: talk.deed.flags,
      relay,
      options: talk.offer === undefined ? talk.deed.discover : talk.deed.request,
      offer: talk.offer,
    });
    if (talk.times === 0) {
      talk.firstSentAt = now;
      talk.sentBytes = 0;
    } else tally.retransmitted("dhcp");
    talk.times += 1;
    talk.sentBytes += datagram.length;
    send(datagram);
    const until = after(talk.heardAt, patienceMs);
    this.#alarm.set(Math.min(after(now, this.#wait(talk.times)), until) as Instant);
  }

  /** RFC 2131 §4.1: 4 s, 8 s, up to 64 s, each a second more or less. */
  #wait(times: number): number {
    const wait = Math.min(STORM_DHCP_WAIT_MS * 2 ** (times - 1), STORM_DHCP_WAIT_MAX_MS);
    return wait + (2 * this.#options.random() - 1) * 1000;
  }

  #fail(talk: Talk, failure: string): void {
    this.stop();
    talk.done(failure);
  }
}
