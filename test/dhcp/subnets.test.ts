import { describe, expect, test } from "vitest";
import type { Ipv4 } from "../../src/bytes/ipv4.ts";
import { MessageType } from "../../src/dhcp/options.ts";
import type { DhcpSubnet } from "../../src/dhcp/settings.ts";
import {
  address,
  type ClientMessage,
  clientMessage,
  node,
  numberedMac,
  octets,
  rangeOf,
  SERVER,
  settingsWith,
} from "./messages.ts";
import { codes, data, Room } from "./room.ts";

const { DISCOVER, REQUEST, RELEASE, INFORM } = MessageType;
const me = numberedMac(1);
const RELAY = address("10.78.0.1");
const LINK = address("10.79.0.0");

function subnet(network: string, first: string, router: string): DhcpSubnet {
  return {
    network: { network: address(network), prefix: 24 },
    ranges: [rangeOf(first, 10)],
    leaseSeconds: 600,
    router: address(router),
    dns: [],
    domain: undefined,
  };
}

/** Our own link and two behind relays, each with ten addresses from .60 on. */
const subnets = [
  subnet("10.77.0.0", "10.77.0.60", "10.77.0.254"),
  subnet("10.78.0.0", "10.78.0.60", "10.78.0.1"),
  subnet("10.79.0.0", "10.79.0.60", "10.79.0.1"),
];
const settings = settingsWith({ subnets });

function agent(...subOptions: readonly (readonly [number, readonly number[]])[]) {
  return [82, subOptions.flatMap(([code, bytes]) => [code, bytes.length, ...bytes])] as const;
}

function networkOf(message: Partial<ClientMessage>): string {
  const said = new Room(settings).says({ type: DISCOVER, mac: me, ...message });
  return said.replace(/^OFFER (10\.\d+).*$/, "$1");
}

describe("which subnet a client is in", () => {
  test("without a word, our own; behind a relay, that of giaddr (RFC 2131 §4.3.1)", () => {
    expect(networkOf({})).toBe("10.77");
    expect(networkOf({ giaddr: RELAY })).toBe("10.78");
    expect(networkOf({ giaddr: address("10.80.0.1") })).toBe("other-subnet");
  });

  test("RFC 3011 §2: subnet selection goes before giaddr, and comes back", () => {
    const more = [[118, octets(LINK)]] as const;
    expect(networkOf({ giaddr: RELAY, more })).toBe("10.79");
    expect(networkOf({ more: [[118, octets(address("10.80.0.0"))]] })).toBe("other-subnet");
    expect(networkOf({ giaddr: RELAY, more: [[118, [10, 79]]] })).toBe("10.78");
    const reply = new Room(settings).reply(clientMessage({ type: DISCOVER, mac: me, more }));
    expect(data(reply, 118)).toEqual(octets(LINK));
  });

  test("RFC 3527 §3: link selection goes before both, from a relay only", () => {
    const link = agent([1, [7]], [5, octets(LINK)]);
    const other = [118, octets(address("10.77.0.0"))] as const;
    expect(networkOf({ giaddr: RELAY, more: [other, link] })).toBe("10.79");
    expect(networkOf({ more: [link] })).toBe("10.77");
    expect(networkOf({ giaddr: RELAY, more: [agent([5, [10, 79]])] })).toBe("10.78");
    expect(networkOf({ giaddr: RELAY, more: [[82, [5, 200, 10, 79, 0, 0]]] })).toBe("10.78");
  });

  test("a renewal, by unicast, that of ciaddr; and what is granted is that subnet's", () => {
    const room = new Room(settings);
    const ciaddr = room.bind(me, { giaddr: RELAY });
    const ack = room.reply(clientMessage({ type: REQUEST, mac: me, ciaddr }));
    expect(ack.yiaddr).toBe(ciaddr);
    expect(data(ack, 3)).toEqual([10, 78, 0, 1]);
    expect(data(ack, 51)).toEqual([0, 0, 2, 88]);
    expect(room.says({ type: RELEASE, mac: me, ciaddr, serverId: SERVER })).toBe("silent");
    const inform = clientMessage({ type: INFORM, mac: me, ciaddr: address("10.79.0.9") });
    expect(data(room.reply(inform), 3)).toEqual([10, 79, 0, 1]);
  });
});

test("the router follows the mask, before all that is long", () => {
  const reply = new Room(settings).reply(clientMessage({ type: DISCOVER, mac: me, giaddr: RELAY }));
  const sent = codes(reply);
  expect(sent.indexOf(3)).toBe(sent.indexOf(1) + 1);
});

test("RFC 2131 §4.3.5: an INFORM gets its answer where it is, and lets us send nowhere else", () => {
  const room = new Room(settings);
  const more = [[118, octets(LINK)]] as const;
  const message = { type: INFORM, mac: me, more };
  expect(room.says({ ...message, ciaddr: address("10.79.0.9") })).toBe("ACK");
  expect(room.says({ ...message, ciaddr: address("192.0.2.1") })).toBe("other-subnet");
  expect(room.says({ ...message, ciaddr: address("192.0.2.1"), giaddr: RELAY })).toBe("ACK");
});

describe("a node that moves", () => {
  test("gets an address of where it is now", () => {
    const room = new Room(settings);
    const before = room.bind();
    expect(room.says({ type: DISCOVER, mac: me, giaddr: RELAY })).toMatch("OFFER 10.78.0.6");
    const request = { type: REQUEST, mac: me, giaddr: RELAY };
    expect(room.says({ ...request, requested: before })).toBe("NAK");
    expect(room.says({ ...request, ciaddr: before })).toBe("NAK");
  });

  test("has its reservation only in the subnet of that", () => {
    const nodes = [node("525400000001", "10.78.0.9")];
    const room = new Room(settingsWith({ subnets }, nodes));
    expect(room.says({ type: DISCOVER, mac: me, giaddr: RELAY })).toBe("OFFER 10.78.0.9");
    expect(room.says({ type: DISCOVER, mac: me })).toMatch("OFFER 10.77.0.6");
    const [own, ...rest] = subnets;
    if (own === undefined) throw new Error("no subnet");
    room.settings = settingsWith({ subnets: [{ ...own, ranges: [] }, ...rest] }, nodes);
    expect(room.says({ type: DISCOVER, mac: me })).toBe("pool-exhausted");
  });

  test("one subnet without an address left is nothing to the others", () => {
    const room = new Room(settings);
    for (let at = 0; at < 10; at += 1) room.bind(numberedMac(100 + at));
    expect(room.says({ type: DISCOVER, mac: me })).toBe("pool-exhausted");
    expect(room.says({ type: DISCOVER, mac: me, giaddr: RELAY })).toMatch("OFFER 10.78");
  });
});

describe("a relay that wants to be asked instead of us, RFC 5107", () => {
  const more = [agent([11, octets(RELAY)])];
  const relayed = { mac: me, giaddr: RELAY, more };

  test("is the server in what the client hears, and the client may name either", () => {
    const room = new Room(settings);
    const offer = room.reply(clientMessage({ type: DISCOVER, ...relayed }));
    expect(data(offer, 54)).toEqual(octets(RELAY));
    expect(codes(offer).at(-1)).toBe(82);
    const requestOf = (serverId: Ipv4) =>
      room.says({ type: REQUEST, ...relayed, requested: offer.yiaddr, serverId });
    expect(requestOf(RELAY)).toMatch("ACK");
    expect(requestOf(SERVER)).toMatch("ACK");
    expect(requestOf(address("10.78.0.2"))).toBe("silent");
  });

  test("not where a client says so itself", () => {
    const offer = new Room(settings).reply(clientMessage({ type: DISCOVER, mac: me, more }));
    expect(data(offer, 54)).toEqual(octets(SERVER));
  });
});
