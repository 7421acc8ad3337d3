import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ipv4 } from "../../../src/bytes/ipv4.ts";
import { Sightings } from "../../../src/dhcp/proxy/sightings.ts";
import { PROXY_NODES_MAX } from "../../../src/limits.ts";
import { udpFrames } from "../../captures.ts";
import {
  address,
  ascii,
  clientMessage,
  firmware,
  known,
  mac,
  numberedMac,
  OTHER,
  proxyRoom,
  proxySettings,
} from "./room.ts";

const me = numberedMac(1);
const nobody = {
  mac: me,
  uuid: undefined,
  serial: undefined,
  address: undefined,
  architecture: undefined,
  isIpxe: false,
  isHttpClient: false,
};
const requested = address("10.67.0.50");
const taking = { type: 3, serverId: OTHER, requested } as const;
const kernel = [[60, ascii("Linux ipconfig")]] as const;

describe("who is at an address", () => {
  test("a node whose REQUEST takes another server's offer, with what its firmware said", () => {
    const { ask, responder } = proxyRoom();
    ask({ ...taking, more: firmware(7) });
    ask({ ...taking, more: kernel });
    expect(responder.nodeAt(requested)).toMatchObject({
      mac: me,
      address: requested,
      architecture: 7,
      uuid: "01020304-0506-0708-090a-0b0c0d0e0f10",
      isIpxe: false,
    });
    expect(responder.addressOf(me)).toBe(requested);
  });

  test("a node that renews, or asks port 4011 from it; not one that only wishes for it", () => {
    const { ask, responder } = proxyRoom();
    ask({ type: 1, requested, more: firmware(0) });
    expect(responder.nodeAt(requested)).toBeUndefined();
    ask({ type: 3, ciaddr: requested, more: kernel });
    expect(responder.nodeAt(requested)?.mac).toBe(me);
    const from = { address: address("10.67.0.51"), port: 4011 };
    ask({ type: 3, mac: numberedMac(2), ciaddr: from.address, more: firmware(7) }, "proxy", from);
    expect(responder.nodeAt(from.address)?.mac).toBe(numberedMac(2));
  });

  test("the newest REQUEST wins, and a node has one address", () => {
    const { ask, responder } = proxyRoom();
    ask({ ...taking, more: firmware(0) });
    ask({ ...taking, mac: numberedMac(2), more: firmware(0) });
    expect(responder.nodeAt(requested)?.mac).toBe(numberedMac(2));
    expect(responder.addressOf(me)).toBeUndefined();
    ask({ ...taking, mac: numberedMac(2), requested: address("10.67.0.60"), more: kernel });
    expect(responder.nodeAt(requested)).toBeUndefined();
    expect(responder.addressOf(numberedMac(2))).toBe(address("10.67.0.60"));
  });

  test("nobody, when a client that is no node took it, or the node gave it back", () => {
    const { ask, responder } = proxyRoom();
    ask({ ...taking, more: firmware(0) });
    ask({ ...taking, mac: numberedMac(2) });
    expect(responder.nodeAt(requested)).toBeUndefined();
    expect(responder.addressOf(numberedMac(2))).toBeUndefined();
    ask({ ...taking, more: firmware(0) });
    ask({ type: 7, ciaddr: requested });
    expect(responder.nodeAt(requested)).toBeUndefined();
  });

  test("not who only says to be a node whose volume has a name, from where that node is not", () => {
    const owner = { ...known("525400000001", "n1"), address: requested, volume: "stage" };
    const { ask, responder } = proxyRoom(proxySettings({}, [owner]));
    ask({ type: 8, mac: mac("525400000001"), ciaddr: address("10.67.0.99") });
    expect(responder.nodeAt(address("10.67.0.99"))).toBeUndefined();
    ask({ type: 8, mac: mac("525400000001"), ciaddr: requested });
    expect(responder.nodeAt(requested)?.mac).toBe(mac("525400000001"));
  });

  test("is not forgotten for a flood of DISCOVERs of invented clients", () => {
    const { ask, responder } = proxyRoom();
    ask({ ...taking, more: firmware(0) });
    for (let number = 2; number < 3000; number += 1) {
      ask({ mac: numberedMac(number), requested, more: firmware(0) });
    }
    expect(responder.nodeAt(requested)?.mac).toBe(me);
  });

  test("is bounded: of an endless stream of REQUESTs the last are kept", () => {
    const sightings = new Sightings();
    const base = address("10.0.0.0");
    const at = (number: number) => ipv4(base + number);
    for (let number = 0; number < PROXY_NODES_MAX + 10; number += 1) {
      const hex = (0x0200_0000_0000 + number).toString(16).padStart(12, "0");
      sightings.see({ ...nobody, mac: mac(hex) }, at(number));
    }
    expect(sightings.at(at(9))).toBeUndefined();
    expect(sightings.of(mac("020000000009"))).toBeUndefined();
    expect(sightings.at(at(10))?.mac).toBe(mac("02000000000a"));
  });
});

describe("what is told", () => {
  test("an offer, whose offer was taken, and the ACK of a boot server", () => {
    const nodes = [known("525400000001", "alpha")];
    const { ask, events, learned } = proxyRoom(proxySettings({}, nodes));
    ask({ more: firmware(7) });
    ask({ ...taking, more: firmware(7) });
    const from = { address: requested, port: 4011 };
    ask({ type: 3, ciaddr: requested, more: firmware(7) }, "proxy", from);
    const node = { kind: "dhcp", mac: me, client: "pxe", name: "alpha", architecture: 7 };
    const nothing = { elsewhere: undefined, relay: undefined };
    expect(events).toEqual([
      {
        ...node,
        ...nothing,
        message: "DISCOVER",
        reply: "OFFER",
        address: undefined,
        bootFile: "pxelinux.0",
      },
      {
        ...node,
        ...nothing,
        message: "REQUEST",
        reply: undefined,
        address: requested,
        elsewhere: OTHER,
        bootFile: undefined,
      },
      {
        ...node,
        ...nothing,
        message: "REQUEST",
        reply: "ACK",
        address: requested,
        bootFile: "pxelinux.0",
      },
    ]);
    // Not from port 4011, which any program may have.
    expect(learned.map(({ mac }) => mac)).toEqual([me, me]);
  });

  test("the kernel's own exchange, and what a node says after it; not the rest of the network", () => {
    const nodes = [known("525400000003", "gamma")];
    const { ask, events } = proxyRoom(proxySettings({}, nodes));
    ask({ ...taking, mac: numberedMac(2), more: kernel });
    ask({ ...taking, mac: numberedMac(2) });
    ask({ ...taking, mac: numberedMac(3) });
    ask({ ...taking, mac: numberedMac(4) });
    expect(events).toMatchObject([
      { mac: numberedMac(2), client: "kernel" },
      { mac: numberedMac(2), client: "other" },
      { mac: numberedMac(3), name: "gamma" },
    ]);
    expect(events).toHaveLength(3);
  });

  test("a mistake of ours is reported, and the next message is answered", () => {
    const { room, ask, events, reports } = proxyRoom();
    const { settings } = room;
    room.settings = proxySettings({
      bootFile: () => {
        throw new Error("broken");
      },
    });
    expect(ask({ more: firmware(0) })).toBeUndefined();
    expect(reports).toEqual(["ProxyDHCP: a message was not answered"]);
    expect(events).toMatchObject([{ kind: "refused", reason: "failed" }]);
    room.settings = settings;
    expect(ask({ more: firmware(0) })).toBeDefined();
  });
});

describe("hostile input", () => {
  const captured = udpFrames("../proxy/ovmf-dnsmasq").map(({ bytes }) => bytes);

  test("every truncation is refused and counted, none reported", () => {
    const { receive, events, reports } = proxyRoom();
    for (const bytes of captured.slice(0, 2)) {
      for (let length = 0; length < bytes.length; length += 1) {
        receive(bytes.subarray(0, length), "proxy");
      }
    }
    expect(events.every(({ kind }) => kind === "refused" || kind === "dhcp")).toBe(true);
    expect(reports).toEqual([]);
  });

  test("replies of other servers are refused, never answered: no two servers talk to each other", () => {
    const { receive, events } = proxyRoom();
    for (const bytes of captured.filter(([op]) => op === 2)) {
      expect(receive(bytes, "dhcp")).toBeUndefined();
      expect(receive(bytes, "proxy")).toBeUndefined();
    }
    expect(new Set(events.map((event) => event.kind === "refused" && event.reason))).toEqual(
      new Set(["not-a-request"]),
    );
  });

  test("mutated messages: answered or refused, never a mistake; an answer has no address in it", () => {
    const { receive, reports } = proxyRoom();
    const bytes = fc.oneof(
      ...captured.map((message) => fc.constant(message)),
      fc.constant(clientMessage({ type: 3, mac: me, more: firmware(0) })),
    );
    const changes = fc.array(fc.tuple(fc.nat({ max: 399 }), fc.nat({ max: 255 })), {
      maxLength: 8,
    });
    fc.assert(
      fc.property(bytes, changes, fc.boolean(), (message, edits, isProxy) => {
        const mutated = message.slice();
        for (const [at, value] of edits) mutated[at % mutated.length] = value;
        const reply = receive(mutated, isProxy ? "proxy" : "dhcp");
        expect(reply?.packet.yiaddr ?? 0).toBe(0);
      }),
      { numRuns: 2000 },
    );
    expect(reports).toEqual([]);
  });
});
