import type { NodeFacts } from "../../boot/facts.ts";
import { ANY_ADDRESS, BROADCAST_ADDRESS, type Ipv4 } from "../../bytes/ipv4.ts";
import type { MacAddress } from "../../bytes/mac.ts";
import { isMalformed } from "../../bytes/malformed.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { Tell } from "../../watch/events.ts";
import { type DhcpRequest, isFromSystem, readRequest } from "../facts.ts";
import { MessageType, messageName } from "../options.ts";
import { decodePacket, encodePacket } from "../packet.ts";
import { destinationOf } from "../reply.ts";
import type { Datagram } from "../responder.ts";
import type { DhcpPorts } from "../settings.ts";
import {
  type AskedAt,
  answer,
  type ProxyOutcome,
  type ProxyRefusal,
  type ProxySettings,
  serverIdOf,
} from "./answer.ts";
import { heardAddress, Sightings } from "./sightings.ts";

export interface ProxyPorts extends DhcpPorts {
  /** Of boot servers: 4011 (PXE 2.1 §2.2.4). */
  readonly proxy: number;
}

export interface ProxyResponderDeps {
  readonly settings: () => ProxySettings;
  readonly ports: ProxyPorts;
  /** Who was heard: firmware's UUIDs and serial numbers name nodes too. */
  readonly learn: (facts: NodeFacts) => void;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

/** The ProxyDHCP server without its sockets: a datagram in, at most one out. */
export class ProxyResponder {
  readonly #deps: ProxyResponderDeps;
  readonly #sightings = new Sightings();

  constructor(deps: ProxyResponderDeps) {
    this.#deps = deps;
  }

  /** `bytes` are not kept. Throws nothing: one message that fails must not keep the next from its answer. */
  receive(bytes: Uint8Array, from: Endpoint, askedAt: AskedAt): Datagram | undefined {
    try {
      return this.#handle(bytes, from, askedAt);
    } catch (error) {
      this.#deps.report("ProxyDHCP: a message was not answered", error);
      return this.#refused("failed", undefined);
    }
  }

  /** Hearsay proves nothing: whose volume has a name, and secrets, is believed to be at its own address only. */
  nodeAt(address: Ipv4): NodeFacts | undefined {
    const facts = this.#sightings.at(address);
    const known = facts && this.#deps.settings().inventory.byMac(facts.mac);
    const isBelieved = known?.volume === undefined || known.address === address;
    return isBelieved ? facts : undefined;
  }

  addressOf(mac: MacAddress): Ipv4 | undefined {
    return this.#sightings.of(mac)?.address;
  }

  #handle(bytes: Uint8Array, from: Endpoint, askedAt: AskedAt): Datagram | undefined {
    const packet = decodePacket(bytes);
    if (isMalformed(packet)) return this.#refused("malformed", undefined);
    const request = readRequest(packet);
    if (typeof request === "string") return this.#refused(request, undefined);
    if (!this.#isNode(request)) return this.#pass(request, askedAt);
    const address = this.#see(request);
    if (isFromSystem(from)) this.#deps.learn(request.facts);
    const facts = { ...request.facts, address: address ?? request.facts.address };
    const outcome = answer(request, facts, askedAt, this.#deps.settings());
    if (outcome.kind === "refused") return this.#refused(outcome.reason, request.mac);
    this.#tellOf(request, address, outcome);
    if (outcome.kind === "silent") return undefined;
    const { ports } = this.#deps;
    const to = askedAt === "proxy" ? backTo(from) : destinationOf(packet, outcome.type, ports);
    return { bytes: encodePacket(outcome.packet), to };
  }

  /** What netboots, did so before, or is in the inventory; the rest of the network is not ours to watch. */
  #isNode({ client, mac }: DhcpRequest): boolean {
    if (client !== "other" || this.#sightings.of(mac) !== undefined) return true;
    return this.#deps.settings().inventory.byMac(mac) !== undefined;
  }

  /** But an address that another took is not a node's any more. */
  #pass({ packet, type, mac }: DhcpRequest, askedAt: AskedAt): undefined {
    const address = heardAddress(packet, type);
    if (address !== undefined) this.#sightings.vacate(address);
    return askedAt === "proxy" ? this.#refused("not-netbooting", mac) : undefined;
  }

  #see({ packet, type, mac, facts }: DhcpRequest): Ipv4 | undefined {
    if (type === MessageType.RELEASE || type === MessageType.DECLINE) this.#sightings.forget(mac);
    const address = heardAddress(packet, type);
    if (address !== undefined) this.#sightings.see(facts, address);
    return address;
  }

  #tellOf(
    { packet, type, mac, client, facts }: DhcpRequest,
    address: Ipv4 | undefined,
    outcome: Exclude<ProxyOutcome, { kind: "refused" }>,
  ): void {
    const { inventory, serverAddress } = this.#deps.settings();
    const server = serverIdOf(packet);
    const isReply = outcome.kind === "reply";
    this.#deps.tell({
      kind: "dhcp",
      mac,
      client,
      message: messageName(type),
      reply: isReply ? messageName(outcome.type) : undefined,
      address,
      name: inventory.byMac(mac)?.name,
      architecture: facts.architecture,
      elsewhere: server === serverAddress ? undefined : server,
      bootFile: isReply ? outcome.bootFile : undefined,
      relay: packet.giaddr === ANY_ADDRESS ? undefined : packet.giaddr,
    });
  }

  #refused(reason: ProxyRefusal, mac: MacAddress | undefined): undefined {
    const whose = mac === undefined ? {} : { mac };
    this.#deps.tell({ kind: "refused", protocol: "dhcp", reason, ...whose });
  }
}

/** PXE 2.1 §2.2.5: to the port that was asked from. A client that has no address yet hears broadcasts only. */
function backTo(from: Endpoint): Endpoint {
  return from.address === ANY_ADDRESS ? { ...from, address: BROADCAST_ADDRESS } : from;
}
