import { describe, expect, test } from "vitest";
import { ANY_ADDRESS, type Ipv4, ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decodePacket, findOption } from "../../src/dhcp/packet.ts";
import { DhcpResponder } from "../../src/dhcp/responder.ts";
import { OFFER_HOLD_MS, OFFERS_MAX } from "../../src/limits.ts";
import { VirtualClock } from "../sim/clock.ts";
import { SeededRandom } from "../sim/random.ts";
import {
  address,
  clientMessage,
  MemoryStore,
  nobody,
  node,
  numberedMac,
  rangeOf,
  SERVER,
  settingsWith,
} from "./messages.ts";

/** A flood of clients that do not exist, each with an address of its own, and what is left for those that do. */

const none = new Uint8Array(0);
const FLOOD = 100_000;
const reserved = numberedMac(1);
const known = numberedMac(2);
const leaseholder = numberedMac(3);
const nodes = [
  node("525400000001", "10.77.0.200", "reserved"),
  { ...node("525400000002"), name: "known" },
];

function started(first: string, addresses: number) {
  const clock = new VirtualClock();
  const warnings: string[] = [];
  const settings = settingsWith(
    {
      network: { network: address("10.77.0.0"), prefix: 16 },
      ranges: [rangeOf(first, addresses)],
    },
    nodes,
  );
  const refused = new Map<string, number>();
  const responder = new DhcpResponder({
    settings: () => settings,
    clock,
    store: new MemoryStore(),
    tell: (event) => {
      if (event.kind !== "refused") return;
      refused.set(event.reason, (refused.get(event.reason) ?? 0) + 1);
    },
    learn: () => {},
    warn: (text) => warnings.push(text),
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
    isPresent: () => false,
    ports: { server: 67, client: 68 },
    neighbours: nobody,
    soon: (work) => work(),
  });
  const ask = (bytes: Uint8Array): [type: number | undefined, yiaddr: Ipv4] => {
    let said: Uint8Array = none;
    responder.receive(bytes, { address: ANY_ADDRESS, port: 68 }, (reply) => {
      said = reply.bytes;
    });
    const packet = decodePacket(said);
    return isMalformed(packet)
      ? [undefined, ANY_ADDRESS]
      : [findOption(packet, 53)?.[0], packet.yiaddr];
  };
  /** The whole way: the address, or none. */
  const boots = (who = leaseholder): number | undefined => {
    const [offer, requested] = ask(clientMessage({ type: 1, mac: who }));
    if (offer !== 2) return undefined;
    const [ack] = ask(clientMessage({ type: 3, mac: who, serverId: SERVER, requested }));
    return ack === 5 ? requested : undefined;
  };
  const flood = (times: number, message: (who: MacAddress) => Uint8Array): void => {
    const random = new SeededRandom(7);
    for (let at = 0; at < times; at += 1) {
      const bytes = message(`0200${random.u32().toString(16).padStart(8, "0")}` as MacAddress);
      responder.receive(bytes, { address: ANY_ADDRESS, port: 68 }, () => {});
      // 5,000 a second.
      if (at % 50 === 0) clock.advance(10);
    }
  };
  return { boots, flood, clock, refused, warnings, responder };
}

describe.each([
  ["200 addresses", "10.77.1.0", 200],
  ["a /16", "10.77.1.0", 65_000],
] as const)("100,000 DISCOVERs of invented clients, %s", (_, first, addresses) => {
  test("reservations, known nodes and leases are kept; so is everybody, at once or a minute later", () => {
    const { boots, flood, clock, refused, warnings } = started(first, addresses);
    const mine = boots();
    flood(FLOOD, (who) => clientMessage({ type: 1, mac: who }));
    const isSmall = addresses < OFFERS_MAX;
    expect(refused.get("pool-exhausted") ?? 0).toBe(isSmall ? FLOOD - addresses + 1 : 0);
    expect(warnings).toHaveLength(isSmall ? 1 : 0);
    expect(boots()).toBe(mine);
    expect(boots(reserved)).toBe(address("10.77.0.200"));
    if (isSmall) expect(boots(numberedMac(9))).toBeUndefined();
    expect(boots(known)).toBeDefined();
    clock.advance(OFFER_HOLD_MS);
    expect(boots(numberedMac(9))).toBeDefined();
  }, 120_000);
});

test("20,000 REQUESTs of invented clients take the range, and not what is reserved or leased", () => {
  const { boots, flood, responder } = started("10.77.0.0", 16_384);
  const mine = boots();
  const random = new SeededRandom(3);
  flood(20_000, (who) => {
    const requested = ipv4(address("10.77.0.0") + random.below(16_384));
    return clientMessage({ type: 3, mac: who, serverId: SERVER, requested });
  });
  expect(boots()).toBe(mine);
  expect(boots(reserved)).toBe(address("10.77.0.200"));
  expect(responder.addressOf(leaseholder)).toBe(mine);
});
