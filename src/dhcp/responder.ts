import type { NodeFacts } from "../boot/facts.ts";
import { ANY_ADDRESS, formatCidr, formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { ACKS_WAITING_MAX, POOL_WARNED_EVERY_MS } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { BootEvent, Tell } from "../watch/events.ts";
import { answer, type Outcome, type Refusal } from "./answer.ts";
import { Conflicts, type Neighbours } from "./conflicts.ts";
import { type DhcpRequest, isFromSystem, readRequest } from "./facts.ts";
import { type Lease, type LeaseStore, Leases } from "./leases.ts";
import { MessageType, messageName, Option, readText } from "./options.ts";
import { type DhcpPacket, decodePacket, encodePacket, findOption } from "./packet.ts";
import { rangeSize } from "./pool.ts";
import { destinationOf } from "./reply.ts";
import type { DhcpPorts, DhcpSettings } from "./settings.ts";
import { addressIn, subnetOf } from "./subnet.ts";

export interface ResponderDeps {
  readonly settings: () => DhcpSettings;
  readonly clock: Clock;
  readonly store: LeaseStore;
  /** Whether somebody at the address has connections: then nobody else gets it, whatever became of the lease. */
  readonly isPresent: (address: Ipv4) => boolean;
  /** What each message from a system says of its sender, before it is answered. */
  readonly learn: (facts: NodeFacts) => void;
  readonly tell: Tell;
  /** For people: what they should do something about. */
  readonly warn: (text: string) => void;
  readonly report: (what: string, error: unknown) => void;
  readonly ports: DhcpPorts;
  readonly neighbours: Neighbours;
  /** Calls back when what has come by now was received. */
  readonly soon: (work: () => void) => void;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly to: Endpoint;
}

type Reply = Extract<Outcome, { kind: "reply" }>;
type Send = (datagram: Datagram) => void;

/**
 * The server without its sockets: a datagram in, at most one out. A DHCPACK leaves after its lease is on disk, so that it
 * outlives us; the leases of what came together, or while others were written, are written together.
 */
export class DhcpResponder {
  readonly #deps: ResponderDeps;
  readonly #leases: Leases;
  readonly #conflicts: Conflicts;
  /** What the node that last got the address said of itself: as many as there are addresses to give. */
  readonly #factsAt = new Map<Ipv4, NodeFacts>();
  /** ACKs whose leases are not on disk yet. */
  #waiting: (() => void)[] = [];
  #isWriting = false;
  #idle: (() => void) | undefined;
  /** When it was last said of a subnet that it has no address left. */
  readonly #warnedAt = new Map<Ipv4, number>();

  constructor(deps: ResponderDeps) {
    this.#deps = deps;
    this.#leases = new Leases(deps.store, deps.isPresent);
    this.#conflicts = new Conflicts(deps.neighbours);
  }

  /** `bytes` are not kept. Throws nothing: one message that fails must not keep the next from its answer. */
  receive(bytes: Uint8Array, from: Endpoint, send: Send): void {
    try {
      const packet = decodePacket(bytes);
      const request = isMalformed(packet) ? "malformed" : readRequest(packet);
      if (typeof request === "string") this.#refused(request);
      else this.#answer(request, from, send);
    } catch (error) {
      this.#deps.report("DHCP: a message was not answered", error);
      this.#refused("failed");
    }
    this.#writeSoon();
  }

  /** When everything is on disk and said. */
  async finished(): Promise<void> {
    if (!this.#isWriting) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  /** The lease under which the address was last in use, also when it has ended: kernels do not renew theirs. */
  leaseOf(address: Ipv4): Lease | undefined {
    return this.#leases.lastAt(address);
  }

  /** How many addresses are in use. */
  countLeases(): number {
    return this.#leases.countRunning(this.#deps.clock.epochMs());
  }

  /** The address of the node, as long as its lease runs. */
  addressOf(mac: MacAddress): Ipv4 | undefined {
    const lease = this.#leases.of(mac);
    return lease !== undefined && lease.until > this.#deps.clock.epochMs()
      ? lease.address
      : undefined;
  }

  /** Who got the address last, with what its firmware said of it, as far as that was since we were started. */
  nodeAt(address: Ipv4): NodeFacts | undefined {
    const mac = this.leaseOf(address)?.mac;
    if (mac === undefined) return undefined;
    const known = this.#factsAt.get(address);
    if (known?.mac === mac) return known;
    return {
      mac,
      uuid: undefined,
      serial: undefined,
      address,
      architecture: undefined,
      isIpxe: false,
      isHttpClient: false,
    };
  }

  #answer(request: DhcpRequest, from: Endpoint, send: Send): void {
    const { settings, clock, learn } = this.#deps;
    const { mac, packet, facts } = request;
    if (isFromSystem(from)) learn(facts);
    const outcome = answer({
      request,
      settings: settings(),
      leases: this.#leases,
      conflicts: this.#conflicts,
      now: clock.epochMs(),
      isBusy: this.#waiting.length >= ACKS_WAITING_MAX,
      foundTaken: (address, by) => this.#warnOfConflict(mac, address, by),
    });
    if (outcome.kind === "reply") this.#reply(request, outcome, send);
    else if (outcome.kind === "silent") this.#deps.tell(this.#eventOf(request, outcome));
    else {
      if (outcome.reason === "pool-exhausted") this.#warnOfPool(packet);
      this.#refused(outcome.reason, mac);
    }
  }

  #reply(request: DhcpRequest, outcome: Reply, send: Send): void {
    const { type, packet, address } = outcome;
    const bytes = encodePacket(packet);
    const to = destinationOf(request.packet, type, this.#deps.ports);
    // What was received is gone by the time that the lease is on disk.
    const event = this.#eventOf(request, outcome);
    const say = (): void => {
      send({ bytes, to });
      this.#deps.tell(event);
    };
    if (type === MessageType.ACK) this.#remember(request.facts, address);
    const isLease = type === MessageType.ACK && packet.yiaddr !== ANY_ADDRESS;
    if (isLease) this.#waiting.push(say);
    else say();
  }

  /** One write at a time, of what has come until it begins. */
  #writeSoon(): void {
    if (this.#isWriting || (this.#waiting.length === 0 && this.#leases.isSaved)) return;
    this.#isWriting = true;
    this.#deps.soon(() => this.#write());
  }

  #write(): void {
    const acks = this.#waiting;
    this.#waiting = [];
    this.#leases.save((error) => {
      if (error === undefined) for (const say of acks) say();
      else {
        // Those that came meanwhile may be of the same leases.
        const lost = [...acks, ...this.#waiting];
        this.#waiting = [];
        this.#deps.report(
          `DHCP: ${lost.length} leases could not be written, so were not given`,
          error,
        );
        for (const _ of lost) this.#refused("failed");
      }
      this.#isWriting = false;
      this.#writeSoon();
      if (!this.#isWriting) this.#idle?.();
    });
  }

  /** The kernel says neither UUID nor architecture: what the firmware said still holds. An INFORM may claim any address. */
  #remember(facts: NodeFacts, address: Ipv4 | undefined): void {
    if (address === undefined || this.#leases.lastAt(address)?.mac !== facts.mac) return;
    const former = this.#factsAt.get(address);
    const before = former?.mac === facts.mac ? former : undefined;
    this.#factsAt.set(address, {
      ...facts,
      address,
      uuid: facts.uuid ?? before?.uuid,
      architecture: facts.architecture ?? before?.architecture,
    });
  }

  #eventOf(request: DhcpRequest, outcome: Exclude<Outcome, { kind: "refused" }>): BootEvent {
    const { packet, mac, client, facts } = request;
    const { inventory, serverAddress } = this.#deps.settings();
    const serverId = addressIn(packet, Option.SERVER_ID);
    return {
      kind: "dhcp",
      mac,
      client,
      message: messageName(request.type),
      reply: outcome.kind === "reply" ? messageName(outcome.type) : undefined,
      address: outcome.address,
      name: inventory.byMac(mac)?.name,
      architecture: facts.architecture,
      elsewhere: serverId === serverAddress ? undefined : serverId,
      bootFile: outcome.kind === "reply" ? bootFileIn(outcome.packet) : undefined,
      relay: packet.giaddr === ANY_ADDRESS ? undefined : packet.giaddr,
    };
  }

  #refused(reason: Refusal, mac?: MacAddress): void {
    this.#deps.tell({
      kind: "refused",
      protocol: "dhcp",
      reason,
      ...(mac === undefined ? {} : { mac }),
    });
  }

  #warnOfConflict(mac: MacAddress, address: Ipv4, by: MacAddress): void {
    this.#deps.warn(
      `DHCP: ${formatIpv4(address)}, offered to ${formatMac(mac)}, is used by ${formatMac(by)} without a lease: take it out of \`range:\`, or name that node with its address`,
    );
  }

  /** Once in a while, however many ask. */
  #warnOfPool(packet: DhcpPacket): void {
    const { settings, clock, warn } = this.#deps;
    const subnet = subnetOf(packet, settings());
    if (subnet === undefined) return;
    const now = clock.epochMs();
    const key = subnet.network.network;
    if (now - (this.#warnedAt.get(key) ?? Number.NEGATIVE_INFINITY) < POOL_WARNED_EVERY_MS) return;
    this.#warnedAt.set(key, now);
    const size = subnet.ranges.reduce((sum, range) => sum + rangeSize(range), 0);
    const { leases, offers } = this.#leases.countIn(subnet, now);
    warn(
      `DHCP: ${formatCidr(subnet.network)} has no address left: ${size} in its range, of which ${leases} are leased and ${offers} offered; widen \`range:\`, shorten \`lease:\`, or answer known nodes only (\`deny-unknown: true\`)`,
    );
  }
}

function bootFileIn(packet: DhcpPacket): string | undefined {
  if (packet.file !== "") return packet.file;
  const option = findOption(packet, Option.BOOT_FILE);
  return option && readText(option);
}
