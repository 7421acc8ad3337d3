import type { NodeFacts } from "../../boot/facts.ts";
import { Bounded } from "../../bytes/bounded.ts";
import { ANY_ADDRESS, type Ipv4 } from "../../bytes/ipv4.ts";
import type { MacAddress } from "../../bytes/mac.ts";
import { PROXY_NODES_MAX } from "../../limits.ts";
import { MessageType, Option, readAddress } from "../options.ts";
import { type DhcpPacket, findOption } from "../packet.ts";

type Sighted = NodeFacts & { readonly address: Ipv4 };

/**
 * Which node has which address, as far as nodes said so within hearing: the server that gave it is another's. Hearsay:
 * the newest word holds. Bounded: who was not heard for the longest time is forgotten first.
 */
export class Sightings {
  /** In the order in which they were last heard. */
  readonly #nodes = new Bounded<MacAddress, Sighted>(PROXY_NODES_MAX);
  readonly #at = new Map<Ipv4, MacAddress>();

  at(address: Ipv4): NodeFacts | undefined {
    const mac = this.#at.get(address);
    return mac === undefined ? undefined : this.#nodes.get(mac);
  }

  of(mac: MacAddress): Sighted | undefined {
    return this.#nodes.get(mac);
  }

  /** What firmware said of itself stays: the kernel says neither UUID nor architecture. */
  see(facts: NodeFacts, address: Ipv4): void {
    const before = this.#nodes.get(facts.mac);
    this.forget(facts.mac);
    this.vacate(address);
    const forgotten = this.#nodes.put(facts.mac, {
      ...facts,
      address,
      uuid: facts.uuid ?? before?.uuid,
      serial: facts.serial ?? before?.serial,
      architecture: facts.architecture ?? before?.architecture,
    });
    if (forgotten !== undefined) this.#at.delete(forgotten.address);
    this.#at.set(address, facts.mac);
  }

  /** Somebody else has the address now. */
  vacate(address: Ipv4): void {
    const mac = this.#at.get(address);
    if (mac !== undefined) this.forget(mac);
  }

  forget(mac: MacAddress): void {
    const known = this.#nodes.get(mac);
    if (known === undefined) return;
    this.#nodes.delete(mac);
    this.#at.delete(known.address);
  }
}

/** RFC 2131, table 4: the address that a client has, or is about to have where its server agrees. */
export function heardAddress(packet: DhcpPacket, type: MessageType): Ipv4 | undefined {
  if (type !== MessageType.REQUEST && type !== MessageType.INFORM) return undefined;
  if (packet.ciaddr !== ANY_ADDRESS) return packet.ciaddr;
  const requested = findOption(packet, Option.REQUESTED_ADDRESS);
  return requested === undefined ? undefined : readAddress(requested) || undefined;
}
