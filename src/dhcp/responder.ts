import type { NodeFacts } from "../boot/facts.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import { isMalformed } from "../bytes/malformed.ts";
import type { Clock } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Tell } from "../watch/events.ts";
import { answer, type Outcome, type Refusal } from "./answer.ts";
import { type DhcpRequest, readRequest } from "./facts.ts";
import { type Lease, type LeaseStore, Leases } from "./leases.ts";
import { MessageType, messageName } from "./options.ts";
import { decodePacket, encodePacket } from "./packet.ts";
import { destinationOf } from "./reply.ts";
import type { DhcpPorts, DhcpSettings } from "./settings.ts";

export interface ResponderDeps {
  readonly settings: () => DhcpSettings;
  readonly clock: Clock;
  readonly store: LeaseStore;
  /** Whether somebody at the address has connections: then nobody else gets it, whatever became of the lease. */
  readonly isPresent: (address: Ipv4) => boolean;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
  readonly ports: DhcpPorts;
}

export interface Datagram {
  readonly bytes: Uint8Array;
  readonly to: Endpoint;
}

/** The server without its sockets: a datagram in, at most one out. */
export class DhcpResponder {
  readonly #deps: ResponderDeps;
  readonly #leases: Leases;
  /** What the node that last got the address said of itself: as many as there are addresses to give. */
  readonly #factsAt = new Map<Ipv4, NodeFacts>();

  constructor(deps: ResponderDeps) {
    this.#deps = deps;
    this.#leases = new Leases(deps.store, deps.isPresent);
  }

  /** `bytes` are not kept. Throws nothing: one message that fails must not keep the next from its answer. */
  receive(bytes: Uint8Array): Datagram | undefined {
    try {
      return this.#handle(bytes);
    } catch (error) {
      this.#deps.report("DHCP: a message was not answered", error);
      return this.#refused("failed");
    }
  }

  /** The lease under which the address was last in use, also when it has ended: kernels do not renew theirs. */
  leaseOf(address: Ipv4): Lease | undefined {
    return this.#leases.lastAt(address);
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
    return { mac, uuid: undefined, address, architecture: undefined, isIpxe: false };
  }

  #handle(bytes: Uint8Array): Datagram | undefined {
    const { settings, clock, ports } = this.#deps;
    const packet = decodePacket(bytes);
    if (isMalformed(packet)) return this.#refused("malformed");
    const request = readRequest(packet);
    if (typeof request === "string") return this.#refused(request);
    const now = clock.epochMs();
    const outcome = answer({ request, settings: settings(), leases: this.#leases, now });
    if (outcome.kind === "refused") return this.#refused(outcome.reason);
    this.#tellOf(request, outcome);
    if (outcome.kind === "silent") return undefined;
    if (outcome.type === MessageType.ACK) this.#remember(request.facts, outcome.address);
    const to = destinationOf(packet, outcome.type, ports);
    return { bytes: encodePacket(outcome.packet), to };
  }

  /** The kernel says neither UUID nor architecture: what the firmware said still holds. */
  #remember(facts: NodeFacts, address: Ipv4 | undefined): void {
    if (address === undefined) return;
    const former = this.#factsAt.get(address);
    const before = former?.mac === facts.mac ? former : undefined;
    this.#factsAt.set(address, {
      ...facts,
      address,
      uuid: facts.uuid ?? before?.uuid,
      architecture: facts.architecture ?? before?.architecture,
    });
  }

  #tellOf(request: DhcpRequest, outcome: Exclude<Outcome, { kind: "refused" }>): void {
    const { settings, tell } = this.#deps;
    tell({
      kind: "dhcp",
      mac: request.mac,
      client: request.client,
      message: messageName(request.type),
      reply: outcome.kind === "reply" ? messageName(outcome.type) : undefined,
      address: outcome.address,
      name: settings().inventory.byMac(request.mac)?.name,
    });
  }

  #refused(reason: Refusal): undefined {
    this.#deps.tell({ kind: "refused", protocol: "dhcp", reason });
  }
}
