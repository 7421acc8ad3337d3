import { describe, expect, test } from "vitest";
import { formatIpv4, type Ipv4 } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decodePacket } from "../../src/dhcp/packet.ts";
import { DhcpResponder } from "../../src/dhcp/responder.ts";
import { LEASE_GRACE_MS } from "../../src/limits.ts";
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
  SERVER,
  settingsWith,
} from "./messages.ts";

const me = numberedMac(1);
const uuid = Array.from({ length: 16 }, (_, at) => at + 1);

function started(store = new MemoryStore()) {
  const events: BootEvent[] = [];
  const reports: string[] = [];
  const clock = new VirtualClock();
  const room = { settings: settingsWith({}, [node("525400000001", undefined, "alpha")]) };
  const responder = new DhcpResponder({
    settings: () => room.settings,
    clock,
    store,
    tell: (event) => events.push(event),
    report: (what) => reports.push(what),
    isPresent: () => false,
    ports: { server: 67, client: 68 },
  });
  const ask = (message: Partial<ClientMessage>) =>
    responder.receive(clientMessage({ type: 1, mac: me, ...message }));
  const bind = (more: ClientMessage["more"] = []): Ipv4 => {
    const offer = decodePacket(ask({ more })?.bytes ?? new Uint8Array(0));
    if (isMalformed(offer)) throw new Error(offer.malformed);
    ask({ type: 3, serverId: SERVER, requested: offer.yiaddr, more });
    return offer.yiaddr;
  };
  return { responder, clock, events, reports, room, ask, bind };
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

  test("a message that is answered by silence", () => {
    const { ask, events } = started();
    ask({ type: 3, serverId: address("10.77.0.2"), requested: address("10.77.0.60") });
    expect(events).toMatchObject([{ kind: "dhcp", message: "REQUEST", reply: undefined }]);
  });

  test("a refusal, by its reason", () => {
    const { responder, ask, events } = started();
    responder.receive(new Uint8Array(3));
    responder.receive(clientMessage({ type: 1, mac: me }).with(1, 6));
    ask({ giaddr: address("10.99.0.1") });
    expect(events).toEqual(
      ["malformed", "not-ethernet", "other-subnet"].map((reason) => ({
        kind: "refused",
        protocol: "dhcp",
        reason,
      })),
    );
  });
});

describe("a lease that cannot be kept", () => {
  test("is not given: no ACK leaves, the failure is reported, and the next message is answered", () => {
    const store = new MemoryStore();
    const save = store.save.bind(store);
    const { ask, events, reports } = started(store);
    store.save = () => {
      throw new Error("database or disk is full");
    };
    const request = { type: 3, serverId: SERVER, requested: address("10.77.0.60") };
    expect(ask(request)).toBeUndefined();
    expect(events).toEqual([{ kind: "refused", protocol: "dhcp", reason: "failed" }]);
    expect(reports).toHaveLength(1);
    store.save = save;
    expect(ask(request)).toBeDefined();
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
      isIpxe: false,
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
      isIpxe: false,
    });
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
  const { responder, room } = started();
  room.settings = settingsWith({
    ranges: [{ first: address("10.77.0.11"), last: address("10.77.0.20") }],
  });
  const messages = udpFrames("b1-bios-iscsi").filter(({ to }) => to.port === 67);
  expect(messages.length).toBeGreaterThan(3);
  for (const { bytes } of messages) {
    const to = responder.receive(bytes)?.to;
    expect(to && `${formatIpv4(to.address)}:${to.port}`).toBe("255.255.255.255:68");
  }
});
