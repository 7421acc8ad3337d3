import { describe, expect, test } from "vitest";
import type { NodeFacts } from "../../src/boot/facts.ts";
import { formatIpv4, type Ipv4, ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decodePacket, findOption } from "../../src/dhcp/packet.ts";
import { type Datagram, DhcpResponder } from "../../src/dhcp/responder.ts";
import {
  ACKS_WAITING_MAX,
  LEASE_GRACE_MS,
  NEIGHBOUR_PLACES_MAX,
  NEIGHBOURS_ASKED_PER_SECOND,
  POOL_WARNED_EVERY_MS,
} from "../../src/limits.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { udpFrames } from "../captures.ts";
import { VirtualClock } from "../sim/clock.ts";
import {
  address,
  type ClientMessage,
  clientMessage,
  MemoryStore,
  node,
  numberedMac,
  rangeOf,
  SERVER,
  settingsWith,
} from "./messages.ts";

const me = numberedMac(1);
const none = new Uint8Array(0);
const uuid = Array.from({ length: 16 }, (_, at) => at + 1);

function started(store = new MemoryStore()) {
  const events: BootEvent[] = [];
  const reports: string[] = [];
  const warnings: string[] = [];
  const learned: NodeFacts[] = [];
  const said: Datagram[] = [];
  const arp = { asked: [] as Ipv4[], table: new Map<Ipv4, MacAddress>() };
  const clock = new VirtualClock();
  const room = { settings: settingsWith({}, [node("525400000001", undefined, "alpha")]) };
  const responder = new DhcpResponder({
    settings: () => room.settings,
    clock,
    store,
    tell: (event) => events.push(event),
    learn: (facts) => learned.push(facts),
    warn: (text) => warnings.push(text),
    report: (what) => reports.push(what),
    isPresent: () => false,
    ports: { server: 67, client: 68 },
    neighbours: { ask: (asked) => arp.asked.push(asked), at: (of) => arp.table.get(of) },
    soon: (work) => work(),
  });
  const client = { address: ipv4(0), port: 68 };
  /** What is said at once; what is said later is in `said`. */
  const receive = (bytes: Uint8Array, from = client): Datagram | undefined => {
    const before = said.length;
    responder.receive(bytes, from, (datagram) => said.push(datagram));
    return said[before];
  };
  const ask = (message: Partial<ClientMessage>) =>
    receive(clientMessage({ type: 1, mac: me, ...message }));
  const bind = (more: ClientMessage["more"] = []): Ipv4 => {
    const offer = decodePacket(ask({ more })?.bytes ?? new Uint8Array(0));
    if (isMalformed(offer)) throw new Error(offer.malformed);
    ask({ type: 3, serverId: SERVER, requested: offer.yiaddr, more });
    return offer.yiaddr;
  };
  const seen = { events, reports, warnings, learned, said, arp };
  return { responder, clock, room, receive, ask, bind, ...seen };
}

function offered(datagram: Datagram | undefined): Ipv4 {
  const packet = decodePacket(datagram?.bytes ?? none);
  if (isMalformed(packet)) throw new Error(packet.malformed);
  return packet.yiaddr;
}

describe("what is told", () => {
  test("a message and its reply, with the node's name and address", () => {
    const { bind, events } = started();
    const given = bind();
    const common = { kind: "dhcp", mac: me, client: "other", address: given, name: "alpha" };
    expect(events).toEqual([
      { ...common, message: "DISCOVER", reply: "OFFER" },
      { ...common, message: "REQUEST", reply: "ACK" },
    ]);
  });

  test("what firmware is, what it was told to fetch, and the relay in between", () => {
    const { ask, events, room, learned } = started();
    room.settings = settingsWith({ bootFile: () => "grub.efi" });
    const more = [
      [93, [0, 7]],
      [97, [0, ...uuid]],
    ] as const;
    ask({ giaddr: address("10.77.0.9"), more });
    const heard = { mac: me, architecture: 7 };
    const relay = address("10.77.0.9");
    expect(events).toMatchObject([{ ...heard, client: "pxe", bootFile: "grub.efi", relay }]);
    expect(learned).toMatchObject([{ ...heard, uuid: "01020304-0506-0708-090a-0b0c0d0e0f10" }]);
    expect(learned).toHaveLength(1);
  });

  test("a program that has no port of the system's is not believed to be another node", () => {
    const { receive, learned } = started();
    const more = [[97, [0, ...uuid]]] as const;
    const program = { address: address("10.77.0.12"), port: 1024 };
    const inform = clientMessage({ type: 8, mac: me, ciaddr: program.address, more });
    expect(receive(inform, program)).toBeDefined();
    expect(learned).toEqual([]);
    receive(inform, { ...program, port: 68 });
    expect(learned).toHaveLength(1);
  });

  test("whose offer was taken instead", () => {
    const { ask, events } = started();
    const elsewhere = address("10.77.0.2");
    ask({ type: 3, serverId: elsewhere, requested: address("10.77.0.60") });
    ask({ type: 3, serverId: SERVER, requested: address("10.77.0.60") });
    expect(events).toMatchObject([{ elsewhere }, { elsewhere: undefined, reply: "ACK" }]);
  });

  test("a message that is answered by silence", () => {
    const { ask, events } = started();
    ask({ type: 3, serverId: address("10.77.0.2"), requested: address("10.77.0.60") });
    expect(events).toMatchObject([{ kind: "dhcp", message: "REQUEST", reply: undefined }]);
  });

  test("a refusal, by its reason", () => {
    const { receive, ask, events } = started();
    receive(new Uint8Array(3));
    receive(clientMessage({ type: 1, mac: me }).with(1, 6));
    ask({ giaddr: address("10.99.0.1") });
    expect(events).toEqual(
      [
        { reason: "malformed" },
        { reason: "not-ethernet" },
        { reason: "other-subnet", mac: me },
      ].map((event) => ({ kind: "refused", protocol: "dhcp", ...event })),
    );
  });
});

describe("a lease that cannot be kept", () => {
  test("is not given: no ACK leaves, the failure is reported, and the next message is answered", () => {
    const store = new MemoryStore();
    const { ask, events, reports } = started(store);
    store.failure = new Error("database or disk is full");
    const request = { type: 3, serverId: SERVER, requested: address("10.77.0.60") };
    expect(ask(request)).toBeUndefined();
    expect(events).toEqual([{ kind: "refused", protocol: "dhcp", reason: "failed" }]);
    expect(reports).toHaveLength(1);
    store.failure = undefined;
    expect(ask(request)).toBeDefined();
  });
});

describe("leases are written together", () => {
  const request = (number: number): ClientMessage => ({
    type: 3,
    mac: numberedMac(number),
    serverId: SERVER,
    requested: ipv4(address("10.77.0.60") + number),
  });

  test("an ACK leaves after its lease is on disk; those that came meanwhile share the next write", () => {
    const store = new MemoryStore();
    const { ask, said, events } = started(store);
    store.isSlow = true;
    for (const number of [1, 2, 3]) ask(request(number));
    expect(said).toEqual([]);
    expect(events).toEqual([]);
    expect(store.leases.size).toBe(0);
    store.finish();
    expect(said).toHaveLength(3);
    expect(store.saves).toBe(2);
    expect(store.leases.size).toBe(3);
    expect(events).toMatchObject(said.map(() => ({ message: "REQUEST", reply: "ACK" })));
  });

  test("what needs no lease does not wait: OFFER, NAK, the ACK to an INFORM", () => {
    const store = new MemoryStore();
    const { ask, said } = started(store);
    store.isSlow = true;
    ask(request(1));
    ask({ mac: numberedMac(2) });
    ask({ ...request(3), requested: address("10.99.0.1") });
    ask({ type: 8, mac: numberedMac(4), ciaddr: address("10.77.0.120") });
    expect(said).toHaveLength(3);
  });

  test("asked again while its lease is being written, it waits for that too", () => {
    const store = new MemoryStore();
    const { ask, said } = started(store);
    store.isSlow = true;
    ask(request(1));
    ask(request(1));
    expect(said).toEqual([]);
    store.finish();
    expect(said).toHaveLength(2);
    expect(store.saves).toBe(1);
  });

  test("those of a write that failed are not given, and what was before holds", () => {
    const store = new MemoryStore();
    const { ask, said, responder, clock, reports } = started(store);
    const { requested } = request(1);
    ask(request(1));
    clock.advance(1_800_000);
    const before = responder.leaseOf(requested ?? SERVER);
    store.failure = new Error("disk full");
    store.isSlow = true;
    ask(request(1));
    ask(request(2));
    store.finish();
    expect(said).toHaveLength(1);
    expect(reports).toHaveLength(2);
    expect(responder.leaseOf(requested ?? SERVER)).toEqual(before);
    expect(responder.addressOf(numberedMac(2))).toBeUndefined();
    store.failure = undefined;
    ask(request(2));
    expect(said).toHaveLength(2);
    expect(store.leases.size).toBe(2);
  });

  test("who asked again while its lease was being written gets none either where that fails", () => {
    const store = new MemoryStore();
    const { ask, said, events, responder } = started(store);
    store.isSlow = true;
    ask(request(1));
    ask(request(1));
    store.failure = new Error("input/output error");
    store.finish();
    expect(said).toEqual([]);
    expect(events.map(({ kind }) => kind)).toEqual(["refused", "refused"]);
    expect(responder.addressOf(numberedMac(1))).toBeUndefined();
  });

  test("on a disk that hangs, so many wait and the others are dropped", () => {
    const store = new MemoryStore();
    const { ask, events, room, said } = started(store);
    room.settings = settingsWith({
      network: { network: address("10.0.0.0"), prefix: 8 },
      ranges: [rangeOf("10.1.0.0", 65_536)],
    });
    store.isSlow = true;
    const first = address("10.1.0.0");
    // One is being written; the rest wait for that.
    for (let at = 0; at <= ACKS_WAITING_MAX + 2; at += 1) {
      ask({ ...request(at), requested: ipv4(first + at) });
    }
    expect(events).toMatchObject([{ reason: "busy" }, { reason: "busy" }]);
    store.finish();
    expect(said).toHaveLength(ACKS_WAITING_MAX + 1);
    expect(store.saves).toBe(2);
  });

  test("the end waits for them", async () => {
    const store = new MemoryStore();
    const { ask, said, responder } = started(store);
    await responder.finished();
    store.isSlow = true;
    ask(request(1));
    const finished = responder.finished().then(() => said.length);
    store.finish();
    expect(await finished).toBe(1);
  });
});

describe("an exhausted pool", () => {
  test("says so at most once a minute, with its size and what to do", () => {
    const { ask, room, clock, warnings, bind } = started();
    room.settings = settingsWith({ ranges: [rangeOf("10.77.0.50", 2)] });
    bind();
    ask({ mac: numberedMac(2) });
    for (let at = 3; at < 100; at += 1) ask({ mac: numberedMac(at) });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(
      /^DHCP: 10\.77\.0\.0\/24 has no address left: 2 in its range, .* 1 are leased and 1 offered; widen `range:`/,
    );
    clock.advance(POOL_WARNED_EVERY_MS);
    ask({ mac: numberedMac(2), type: 1 });
    for (let at = 3; at < 9; at += 1) ask({ mac: numberedMac(at), type: 1 });
    expect(warnings).toHaveLength(2);
  });
});

describe("an address that somebody uses without a lease", () => {
  const other = numberedMac(99);

  test("who answers by ARP after the OFFER has it: NAK, a word to the administrator, and another address", () => {
    const { ask, arp, warnings } = started();
    const first = offered(ask({}));
    expect(arp.asked).toEqual([first]);
    arp.table.set(first, other);
    const nak = decodePacket(ask({ type: 3, serverId: SERVER, requested: first })?.bytes ?? none);
    expect(isMalformed(nak) || findOption(nak, 53)?.[0]).toBe(6);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(`${formatIpv4(first)}, offered to 52:54:00:00:00:01`);
    expect(warnings[0]).toContain("used by 52:54:00:00:00:63");
    expect(offered(ask({}))).not.toBe(first);
  });

  test("what the table had before the OFFER, the node itself, and nobody are no conflict", () => {
    for (const [before, after] of [
      [other, other],
      [undefined, me],
      [undefined, undefined],
    ] as const) {
      const { ask, arp, warnings } = started();
      const first = offered(ask({ mac: numberedMac(2) }));
      const { requested } = { requested: first };
      ask({ type: 3, mac: numberedMac(2), serverId: address("10.77.0.2"), requested });
      if (before !== undefined) arp.table.set(first, before);
      const mine = offered(ask({ requested: first }));
      expect(mine).toBe(first);
      if (after !== undefined) arp.table.set(first, after);
      const ack = ask({ type: 3, serverId: SERVER, requested: first });
      expect(ack && offered(ack)).toBe(first);
      expect(warnings).toEqual([]);
    }
  });

  test("a router that answers for every address (proxy ARP) costs some of them, and not the pool", () => {
    const { ask, arp, clock, warnings } = started();
    const acked = [2, 3, 4, 5, 6, 7, 8, 9].filter((number) => {
      const mac = numberedMac(number);
      for (let turn = 0; turn < 2 * NEIGHBOUR_PLACES_MAX; turn += 1) {
        clock.advance(1000);
        const requested = offered(ask({ mac }));
        arp.table.set(requested, other);
        const reply = ask({ type: 3, mac, serverId: SERVER, requested });
        if (reply !== undefined && offered(reply) === requested) return true;
      }
      return false;
    });
    expect(acked).toHaveLength(8);
    expect(warnings).toHaveLength(NEIGHBOUR_PLACES_MAX);
  });

  test("its node's own address is not asked about, and others no more often than is good for the network", () => {
    const { ask, arp, bind, room } = started();
    room.settings = settingsWith({
      network: { network: address("10.77.0.0"), prefix: 16 },
      ranges: [rangeOf("10.77.1.0", 1000)],
    });
    bind();
    arp.asked.length = 0;
    ask({});
    expect(arp.asked).toEqual([]);
    for (let at = 2; at < 500; at += 1) ask({ mac: numberedMac(at) });
    expect(arp.asked.length).toBeLessThanOrEqual(NEIGHBOURS_ASKED_PER_SECOND);
  });
});

describe("a reload", () => {
  test("counts from the next message on", () => {
    const { room, ask, events } = started();
    room.settings = settingsWith({ denyUnknown: true });
    expect(ask({})).toBeUndefined();
    expect(events).toMatchObject([{ reason: "unknown-node" }]);
  });
});

describe("who has an address", () => {
  test("what the firmware said holds when the kernel says less", () => {
    const { responder, bind } = started();
    const given = bind([
      [93, [0, 7]],
      [97, [0, ...uuid]],
    ]);
    const firmware = {
      mac: me,
      address: given,
      architecture: 7,
      uuid: "01020304-0506-0708-090a-0b0c0d0e0f10",
      serial: undefined,
      isIpxe: false,
      isHttpClient: false,
    };
    expect(responder.nodeAt(given)).toEqual(firmware);
    bind();
    expect(responder.nodeAt(given)).toEqual(firmware);
    expect(responder.addressOf(me)).toBe(given);
  });

  test("nobody, before the lease is given; after it has ended still who had it last: kernels do not renew", () => {
    const { responder, clock, ask, bind } = started();
    ask({});
    expect(responder.addressOf(me)).toBeUndefined();
    const given = bind();
    expect(responder.leaseOf(given)?.mac).toBe(me);
    clock.advance(3_600_000 + LEASE_GRACE_MS);
    expect(responder.leaseOf(given)?.mac).toBe(me);
    expect(responder.nodeAt(given)?.mac).toBe(me);
    expect(responder.addressOf(me)).toBeUndefined();
  });

  test("after a restart the lease is known, and what the node said is not", () => {
    const store = new MemoryStore();
    const given = started(store).bind([[93, [0, 7]]]);
    expect(started(store).responder.nodeAt(given)).toEqual({
      mac: me,
      address: given,
      architecture: undefined,
      uuid: undefined,
      serial: undefined,
      isIpxe: false,
      isHttpClient: false,
    });
  });

  test("an INFORM says nothing of an address that is not its sender's, and is not kept", () => {
    const { ask, bind, responder } = started();
    const given = bind([[93, [0, 7]]]);
    ask({ type: 8, mac: numberedMac(2), ciaddr: given, more: [[93, [0, 0]]] });
    expect(responder.nodeAt(given)).toMatchObject({ mac: me, architecture: 7 });
    ask({ type: 8, ciaddr: given, more: [[93, [0, 11]]] });
    expect(responder.nodeAt(given)).toMatchObject({ mac: me, architecture: 11 });
  });

  test("the next node in an address does not inherit what the former said", () => {
    const { responder, clock, room, bind, ask } = started();
    room.settings = settingsWith({
      ranges: [{ first: address("10.77.0.50"), last: address("10.77.0.50") }],
    });
    const given = bind([[93, [0, 7]]]);
    clock.advance(3_600_000 + LEASE_GRACE_MS);
    ask({ type: 3, mac: numberedMac(2), serverId: SERVER, requested: given });
    expect(responder.nodeAt(given)).toMatchObject({ mac: numberedMac(2), architecture: undefined });
  });
});

test("every captured client message is answered, to all or to the client's address", () => {
  const { receive, room } = started();
  room.settings = settingsWith({
    ranges: [{ first: address("10.77.0.11"), last: address("10.77.0.20") }],
  });
  const messages = udpFrames("b1-bios-iscsi").filter(({ to }) => to.port === 67);
  expect(messages.length).toBeGreaterThan(3);
  for (const { bytes } of messages) {
    const to = receive(bytes)?.to;
    expect(to && `${formatIpv4(to.address)}:${to.port}`).toBe("255.255.255.255:68");
  }
});
