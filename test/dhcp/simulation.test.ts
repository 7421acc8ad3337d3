import { describe, expect, test } from "vitest";
import { type Ipv4, ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { type DhcpPacket, decodePacket, findOption } from "../../src/dhcp/packet.ts";
import { DhcpResponder } from "../../src/dhcp/responder.ts";
import { after } from "../../src/net/clock.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SeededRandom } from "../sim/random.ts";
import {
  clientMessage,
  MemoryStore,
  nobody,
  numberedMac,
  rangeOf,
  SERVER,
  settingsWith,
} from "./messages.ts";

/**
 * A room of clients (RFC 2131 §4.4, figure 5) and one server on a network that loses, doubles and reorders, in
 * virtual time. A failing run names its seed.
 */

const CLIENTS = 100;
const LEASE_SECONDS = 600;
const MINUTE = 60_000;

type ClientState =
  | { readonly name: "selecting" }
  | { readonly name: "requesting"; readonly address: Ipv4 }
  | { readonly name: "bound"; readonly address: Ipv4; readonly until: number };

class Client {
  state: ClientState = { name: "selecting" };
  readonly #mac: MacAddress;
  readonly #clock: VirtualClock;
  readonly #random: SeededRandom;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #alarm;
  #xid = 0;
  #tries = 0;
  /** RFC 2131 §4.4.1: what it had before, it asks for again. */
  #former: Ipv4 | undefined;

  constructor(
    mac: MacAddress,
    clock: VirtualClock,
    random: SeededRandom,
    send: (bytes: Uint8Array) => void,
  ) {
    this.#mac = mac;
    this.#clock = clock;
    this.#random = random;
    this.#send = send;
    this.#alarm = clock.alarm(() => this.#ring());
    this.#wait(random.below(10_000));
  }

  /** The address that it believes to be its own. */
  get address(): Ipv4 | undefined {
    const { state } = this;
    return state.name === "bound" && state.until > this.#clock.now() ? state.address : undefined;
  }

  hear(packet: DhcpPacket): void {
    if (packet.xid !== this.#xid || Buffer.from(packet.chaddr).toString("hex") !== this.#mac)
      return;
    const type = findOption(packet, 53)?.[0];
    if (type === 2 && this.state.name === "selecting") {
      this.state = { name: "requesting", address: packet.yiaddr };
      this.#tries = 0;
      this.#ring();
    } else if (type === 5 && this.state.name !== "selecting") {
      const seconds = Buffer.from(findOption(packet, 51) ?? [0, 0, 0, 0]).readUInt32BE();
      const until = this.#clock.now() + seconds * 1000;
      this.state = { name: "bound", address: packet.yiaddr, until };
      this.#former = packet.yiaddr;
      this.#tries = 0;
      this.#wait((seconds * 1000) / 2);
    } else if (type === 6 && this.state.name !== "selecting") this.#restart();
  }

  #ring(): void {
    const { state } = this;
    this.#tries += 1;
    const ended = state.name === "bound" && state.until <= this.#clock.now();
    const givenUp = state.name === "requesting" && this.#tries > 4;
    if (ended || givenUp) this.#restart();
    else this.#ask(state);
  }

  #ask(state: ClientState): void {
    // A retry keeps its xid, so that late answers still count.
    if (this.#tries === 1 && state.name !== "requesting") this.#xid = this.#random.u32();
    const base = { mac: this.#mac, xid: this.#xid };
    if (state.name === "selecting") {
      const wish = this.#former === undefined ? {} : { requested: this.#former };
      this.#send(clientMessage({ ...base, ...wish, type: 1 }));
    }
    if (state.name === "bound") {
      this.#send(clientMessage({ ...base, type: 3, ciaddr: state.address }));
    }
    if (state.name === "requesting") {
      const { address } = state;
      this.#send(clientMessage({ ...base, type: 3, serverId: SERVER, requested: address }));
    }
    this.#wait(state.name === "bound" ? 20_000 : 1000 * 2 ** Math.min(this.#tries, 5));
  }

  #restart(): void {
    this.state = { name: "selecting" };
    this.#tries = 0;
    this.#wait(1000);
  }

  #wait(ms: number): void {
    this.#alarm.set(after(this.#clock.now(), ms));
  }
}

class Room {
  readonly clock = new VirtualClock();
  readonly store = new MemoryStore();
  readonly clients: Client[];
  readonly #random: SeededRandom;
  readonly #loss: number;
  #server: DhcpResponder;

  constructor(seed: number, loss: number, addresses: number) {
    this.#random = new SeededRandom(seed);
    this.#loss = loss;
    this.#server = this.#start(addresses);
    this.clients = Array.from(
      { length: CLIENTS },
      (_, at) =>
        new Client(numberedMac(at), this.clock, this.#random, (bytes) =>
          this.#carry(() => this.#serve(bytes)),
        ),
    );
  }

  /** The server dies and comes back with what is on disk. */
  restart(addresses: number): void {
    this.#server = this.#start(addresses);
  }

  addresses(): Ipv4[] {
    return this.clients.flatMap(({ address }) => (address === undefined ? [] : [address]));
  }

  #start(addresses: number): DhcpResponder {
    const settings = settingsWith({
      leaseSeconds: LEASE_SECONDS,
      ranges: [rangeOf("10.77.0.50", addresses)],
    });
    return new DhcpResponder({
      settings: () => settings,
      clock: this.clock,
      store: this.store,
      tell: () => {},
      report: (what, error) => {
        throw new Error(what, { cause: error });
      },
      isPresent: () => false,
      learn: () => {},
      warn: () => {},
      ports: { server: 67, client: 68 },
      neighbours: nobody,
      // What comes within a moment is written together.
      soon: (work) => this.clock.alarm(work).set(after(this.clock.now(), 2)),
    });
  }

  #serve(bytes: Uint8Array): void {
    this.#server.receive(bytes, { address: ipv4(0), port: 68 }, (reply) => {
      const packet = decodePacket(reply.bytes);
      if (isMalformed(packet)) throw new Error(packet.malformed);
      this.#carry(() => {
        for (const client of this.clients) client.hear(packet);
      });
    });
  }

  #carry(deliver: () => void): void {
    if (this.#random.chance(this.#loss)) return;
    const copies = this.#random.chance(0.1) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const alarm = this.clock.alarm(deliver);
      alarm.set(after(this.clock.now(), 1 + this.#random.below(1500)));
    }
  }
}

function distinct(addresses: readonly Ipv4[]): number {
  return new Set(addresses).size;
}

describe("100 clients on a network that loses, doubles and reorders", () => {
  test.each([1, 2, 3, 4])("all end bound, each in its own address: seed %i", (seed) => {
    const room = new Room(seed, 0.2, CLIENTS);
    for (let minute = 0; minute < 30; minute += 1) {
      room.clock.advance(MINUTE);
      expect(distinct(room.addresses())).toBe(room.addresses().length);
    }
    expect(room.addresses()).toHaveLength(CLIENTS);
  });

  test.each([5, 6])("a server that restarts all the time keeps every lease: seed %i", (seed) => {
    const room = new Room(seed, 0.1, CLIENTS + 5);
    for (let minute = 0; minute < 30; minute += 1) {
      room.clock.advance(MINUTE);
      room.restart(CLIENTS + 5);
      expect(distinct(room.addresses())).toBe(room.addresses().length);
    }
    expect(room.addresses()).toHaveLength(CLIENTS);
    const before = room.addresses();
    room.clock.advance(LEASE_SECONDS * 1000);
    const same = room.addresses().filter((address, at) => address === before[at]);
    expect(same.length).toBeGreaterThan(CLIENTS * 0.95);
  });

  test.each([7, 8])(
    "with fewer addresses than clients, as many are bound as there are addresses: seed %i",
    (seed) => {
      const room = new Room(seed, 0.4, 30);
      for (let minute = 0; minute < 60; minute += 1) {
        room.clock.advance(MINUTE);
        expect(distinct(room.addresses())).toBe(room.addresses().length);
      }
      expect(room.addresses().length).toBeGreaterThan(25);
    },
  );
});
