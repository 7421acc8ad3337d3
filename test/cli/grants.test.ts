import { describe, expect, test } from "vitest";
import { inventoryOf, type KnownNode } from "../../src/boot/inventory.ts";
import { type Ipv4, parseCidr, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";
import { grantsFor } from "../../src/cli/grants.ts";
import { node } from "../boot/node.ts";

type Room = Parameters<typeof grantsFor>[1];

const alice = macOf("52:54:00:00:00:01");
const stranger = macOf("52:54:00:00:00:09");

function macOf(text: string): MacAddress {
  const mac = parseMac(text);
  if (mac === undefined) throw new Error(text);
  return mac;
}

function addressOf(text: string): Ipv4 {
  const address = parseIpv4(text);
  if (address === undefined) throw new Error(text);
  return address;
}

function room(change: Partial<KnownNode>, { denyUnknown = false } = {}): Room {
  const nodes = [node({ mac: alice, name: "alice", ...change })];
  return {
    config: {
      subnet: parseCidr("10.0.0.0/24"),
      boot: { default: "tmpfs", unknown: undefined },
      dhcp: { denyUnknown, subnets: [] },
      iscsi: { bytes: 8 },
      nodes: nodes.map((one) => ({ ...one, volume: { name: one.volume, bytes: 20 } })),
    },
    inventory: inventoryOf(nodes),
    labels: new Map([
      ["tmpfs", { kind: "linux", layer: "tmpfs", volume: "own" }],
      ["admin", { kind: "linux", layer: "iscsi", volume: "admin" }],
    ]),
  } as unknown as Room;
}

function granted(address: string, current: Room, mac?: MacAddress) {
  return grantsFor(addressOf(address), current, mac, () => undefined);
}

describe("whose volume is whose", () => {
  test("that of the address; the one that the configuration names; its size, or else all volumes'", () => {
    expect(granted("10.0.0.7", room({}), stranger)).toMatchObject([
      { volume: "10.0.0.7", node: stranger, bytes: 8 },
    ]);
    const current = room({ volume: "stage" });
    expect(granted("10.0.0.7", current, alice)).toMatchObject([
      { volume: "stage", node: alice, bytes: 20 },
    ]);
    expect(granted("10.0.0.8", current, alice)).toMatchObject([{ volume: "stage", node: alice }]);
  });

  test("one more for the node that boots for administration, and for no other", () => {
    const volumes = (address: string, change: Partial<KnownNode>, mac: MacAddress) =>
      granted(address, room({ label: "admin", ...change }), mac).map(({ volume }) => volume);
    expect(volumes("10.0.0.7", { volume: "stage" }, alice)).toEqual(["stage", "stage-admin"]);
    expect(volumes("10.0.0.7", {}, alice)).toEqual(["10.0.0.7", "10.0.0.7-admin"]);
    expect(volumes("10.0.0.8", { volume: "stage" }, stranger)).toEqual(["10.0.0.8"]);
  });

  test("a node on an address that was reserved for another since does not get that one's", () => {
    const current = room({ address: addressOf("10.0.0.7"), volume: "stage" });
    expect(granted("10.0.0.7", current, stranger)).toMatchObject([{ volume: "10.0.0.7" }]);
    expect(granted("10.0.0.7", current)).toMatchObject([{ volume: "stage", node: alice }]);
  });

  test("strangers: those of the network, and with deny-unknown nobody", () => {
    expect(granted("10.0.0.9", room({}))).toMatchObject([{ volume: "10.0.0.9", node: "10.0.0.9" }]);
    expect(granted("10.0.1.9", room({}))).toEqual([]);
    const closed = room({ volume: "stage" }, { denyUnknown: true });
    expect(granted("10.0.0.9", closed, stranger)).toEqual([]);
    expect(granted("10.0.0.9", closed)).toEqual([]);
    expect(granted("10.0.0.9", closed, alice)).toMatchObject([{ volume: "stage" }]);
  });
});
