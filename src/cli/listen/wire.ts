import { ANY_ADDRESS, type Ipv4 } from "../../bytes/ipv4.ts";
import type { MacAddress } from "../../bytes/mac.ts";
import { isMalformed } from "../../bytes/malformed.ts";
import { readRequest } from "../../dhcp/facts.ts";
import { MessageType, Option, readAddress, readMessageType, readText } from "../../dhcp/options.ts";
import { type DhcpPacket, decodePacket, findOption, Op } from "../../dhcp/packet.ts";
import { netbootClass } from "../../dhcp/pxe.ts";
import { LISTEN_CLIENTS_MAX, LISTEN_SERVERS_MAX } from "../../limits.ts";
import type { Endpoint } from "../../net/endpoint.ts";

/** A DHCP server as far as it was heard. */
export interface HeardServer {
  readonly address: Ipv4;
  /** It gives addresses, or its offer was taken. */
  readonly givesAddresses: boolean;
  /** It tells firmware what to boot, without an address: ProxyDHCP (PXE 2.1 §2.2.3). */
  readonly isProxy: boolean;
  /** siaddr of an answer, where that says what to boot from. */
  readonly bootServer: Ipv4 | undefined;
  readonly bootFile: string | undefined;
  /** giaddr: the relay that brought its answer. */
  readonly relay: Ipv4 | undefined;
}

/** Who speaks DHCP in a network, from what is heard of it. `own` is the MAC address of our own questions. */
export class Wire {
  readonly #servers = new Map<Ipv4, HeardServer>();
  readonly #relays = new Set<Ipv4>();
  readonly #clients = new Map<MacAddress, { readonly netboots: boolean }>();
  readonly #own: MacAddress | undefined;

  constructor(own: MacAddress | undefined) {
    this.#own = own;
  }

  servers(): readonly HeardServer[] {
    return [...this.#servers.values()];
  }

  relays(): readonly Ipv4[] {
    return [...this.#relays];
  }

  clients(): { readonly all: number; readonly netbooting: number } {
    const clients = [...this.#clients.values()];
    return { all: clients.length, netbooting: clients.filter(({ netboots }) => netboots).length };
  }

  /** Ignores what is no DHCP message. */
  hear(bytes: Uint8Array, from: Endpoint): void {
    const packet = decodePacket(bytes);
    if (isMalformed(packet)) return;
    if (packet.giaddr !== ANY_ADDRESS && this.#relays.size < LISTEN_SERVERS_MAX) {
      this.#relays.add(packet.giaddr);
    }
    if (packet.op === Op.REPLY) this.#hearReply(packet, from);
    else this.#hearRequest(packet);
  }

  #hearReply(packet: DhcpPacket, from: Endpoint): void {
    const type = readMessageType(findOption(packet, Option.MESSAGE_TYPE) ?? new Uint8Array(0));
    if (type === undefined) return;
    const isProxy = packet.yiaddr === ANY_ADDRESS && netbootClass(packet) !== undefined;
    const bootFile = bootFileOf(packet);
    this.#note({
      address: serverIdOf(packet) ?? from.address,
      // The ACK to an INFORM has no address in it either, but comes from a server that has some.
      givesAddresses: !isProxy,
      isProxy,
      bootServer: bootFile === undefined ? undefined : packet.siaddr || undefined,
      bootFile,
      relay: packet.giaddr || undefined,
    });
  }

  #hearRequest(packet: DhcpPacket): void {
    const request = readRequest(packet);
    if (typeof request === "string" || request.mac === this.#own) return;
    const { mac, type } = request;
    const known = this.#clients.get(mac);
    if (known !== undefined || this.#clients.size < LISTEN_CLIENTS_MAX) {
      const netboots = netbootClass(packet) !== undefined || known?.netboots === true;
      this.#clients.set(mac, { netboots });
    }
    const taken = type === MessageType.REQUEST ? serverIdOf(packet) : undefined;
    if (taken === undefined || this.#servers.get(taken)?.isProxy === true) return;
    this.#note({
      address: taken,
      givesAddresses: true,
      isProxy: false,
      bootServer: undefined,
      bootFile: undefined,
      relay: undefined,
    });
  }

  #note(heard: HeardServer): void {
    const known = this.#servers.get(heard.address);
    if (known === undefined && this.#servers.size >= LISTEN_SERVERS_MAX) return;
    this.#servers.set(heard.address, {
      address: heard.address,
      givesAddresses: heard.givesAddresses || known?.givesAddresses === true,
      isProxy: heard.isProxy || known?.isProxy === true,
      bootServer: heard.bootServer ?? known?.bootServer,
      bootFile: heard.bootFile ?? known?.bootFile,
      relay: heard.relay ?? known?.relay,
    });
  }
}

function serverIdOf(packet: DhcpPacket): Ipv4 | undefined {
  const data = findOption(packet, Option.SERVER_ID);
  return data === undefined ? undefined : readAddress(data);
}

function bootFileOf(packet: DhcpPacket): string | undefined {
  const data = findOption(packet, Option.BOOT_FILE);
  const name = data === undefined ? packet.file : readText(data);
  return name === "" ? undefined : name;
}
