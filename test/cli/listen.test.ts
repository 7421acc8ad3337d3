import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { wireFindings } from "../../src/cli/listen/findings.ts";
import { interfaceToHear } from "../../src/cli/listen/listen.ts";
import { probe, probeMac } from "../../src/cli/listen/probe.ts";
import { Wire } from "../../src/cli/listen/wire.ts";
import { readRequest } from "../../src/dhcp/facts.ts";
import { decodePacket } from "../../src/dhcp/packet.ts";
import { LISTEN_SERVERS_MAX } from "../../src/limits.ts";
import { UserError } from "../../src/user-error.ts";
import { udpFrames } from "../captures.ts";
import { address, clientMessage, numberedMac } from "../dhcp/messages.ts";

const from = { address: address("10.67.0.2"), port: 67 };
const frames = udpFrames("../proxy/ovmf-dnsmasq");

function heard(which: (frame: (typeof frames)[number]) => boolean): Wire {
  const wire = new Wire(undefined);
  for (const frame of frames.filter(which)) wire.hear(frame.bytes, frame.from);
  return wire;
}

function said(wire: Wire, asked = false, own: string[] = []): string[] {
  const addresses = new Set(own.map(address));
  const circumstances = { interfaceName: "eth1", ms: 10_000, asked, own: addresses };
  return wireFindings(wire, circumstances).map(({ state, what }) => `${state} ${what}`);
}

describe("what is heard", () => {
  test("a server by its broadcasts, and a proxy, which gives no address (PXE 2.1 §2.2.3)", () => {
    const wire = heard(({ to }) => to.port === 68 && to.address === 0xffff_ffff);
    expect(wire.servers()).toEqual([
      expect.objectContaining({
        address: address("10.67.0.1"),
        isProxy: true,
        givesAddresses: false,
      }),
      expect.objectContaining({
        address: address("10.67.0.2"),
        isProxy: false,
        givesAddresses: true,
      }),
    ]);
    expect(said(wire)).toEqual([
      "blocked ProxyDHCP server 10.67.0.1 says on eth1 what to boot",
      "blocked DHCP server 10.67.0.2 gives addresses on eth1",
      "ok heard in 10 s on eth1: 0 clients, 0 of them netbooting",
    ]);
  });

  test("a server whose answers go elsewhere, by the REQUESTs that take its offers", () => {
    const wire = heard(({ to }) => to.port === 67);
    expect(wire.servers()).toMatchObject([{ address: address("10.67.0.2"), givesAddresses: true }]);
    expect(wire.clients()).toEqual({ all: 1, netbooting: 1 });
  });

  test("a relay, by the giaddr of what it brings", () => {
    const wire = new Wire(undefined);
    const offer = clientMessage({
      type: 2,
      mac: numberedMac(1),
      giaddr: address("10.67.0.254"),
      serverId: address("10.68.0.1"),
      more: [[67, [...Buffer.from("pxelinux.0\0")]]],
    });
    offer.set([2]);
    offer.set([10, 67, 0, 60], 16);
    wire.hear(offer, { address: address("10.67.0.254"), port: 67 });
    expect(said(wire)).toEqual([
      'blocked DHCP server 10.68.0.1 gives addresses on eth1, through the relay 10.67.0.254: "pxelinux.0"',
      "ok DHCP relay 10.67.0.254: what it brings comes from another network",
      "ok heard in 10 s on eth1: 0 clients, 0 of them netbooting",
    ]);
  });

  test("nobody: and whether that says much", () => {
    const [listened] = said(new Wire(undefined));
    expect(listened).toMatch(/^ok no DHCP server on eth1 was heard \(.*--probe asks\)$/);
    expect(said(new Wire(undefined), true)[0]).toBe("ok no DHCP server on eth1 was heard");
  });

  test("this machine's own server is said to be that", () => {
    const wire = heard(({ to }) => to.port === 67);
    expect(said(wire, false, ["10.67.0.2"])[0]).toBe(
      "ok DHCP server 10.67.0.2 on eth1 is this machine itself",
    );
  });

  test("not our own questions", () => {
    const mac = probeMac();
    const wire = new Wire(mac);
    wire.hear(probe(mac, 7), from);
    expect(wire.clients().all).toBe(0);
  });
});

describe("hostile input", () => {
  test("is bounded, and what it says is shown as text without control characters", () => {
    const wire = new Wire(undefined);
    for (let number = 0; number < LISTEN_SERVERS_MAX * 2; number += 1) {
      const offer = clientMessage({
        type: 2,
        mac: numberedMac(1),
        serverId: (0x0a00_0000 + number) as typeof from.address,
        giaddr: (0x0b00_0000 + number) as typeof from.address,
        more: [[67, [0x1b, 0x5b, 0x32, 0x4a]]],
      });
      offer.set([2]);
      wire.hear(offer, from);
    }
    expect(wire.servers()).toHaveLength(LISTEN_SERVERS_MAX);
    expect(wire.relays()).toHaveLength(LISTEN_SERVERS_MAX);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
    expect(said(wire).join("")).not.toMatch(/[\x00-\x1f]/);
  });

  test("truncated and mutated messages throw nothing", () => {
    const wire = new Wire(undefined);
    for (const { bytes } of frames.slice(0, 4)) {
      for (let length = 0; length < bytes.length; length += 1) {
        wire.hear(bytes.subarray(0, length), from);
      }
    }
    const edits = fc.array(fc.tuple(fc.nat({ max: 399 }), fc.nat({ max: 255 })), { maxLength: 8 });
    fc.assert(
      fc.property(fc.constantFrom(...frames), edits, ({ bytes }, changes) => {
        const mutated = bytes.slice();
        for (const [at, value] of changes) mutated[at % mutated.length] = value;
        wire.hear(mutated, from);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the probe", () => {
  test("is firmware's DISCOVER, from a locally administered address, asking for broadcasts", () => {
    const mac = probeMac();
    expect(Number.parseInt(mac.slice(0, 2), 16) & 3).toBe(2);
    const packet = decodePacket(probe(mac, 7));
    if (isMalformed(packet)) throw new Error(packet.malformed);
    expect(packet.flags).toBe(0x8000);
    expect(readRequest(packet)).toMatchObject({
      mac,
      type: 1,
      client: "pxe",
      facts: { architecture: 7, isIpxe: false, uuid: undefined },
    });
  });
});

describe("the interface", () => {
  const at = (name: string, text: string) => {
    const found = parseIpv4(text);
    if (found === undefined) throw new Error(text);
    return { name, address: found, subnet: { network: found, prefix: 24 } };
  };
  const lo = at("lo", "127.0.0.1");
  const eth0 = at("eth0", "192.0.2.1");
  const eth1 = at("eth1", "10.67.0.1");

  test("is the one that is named, or the only one", () => {
    expect(interfaceToHear("eth1", [lo, eth0, eth1])).toBe(eth1);
    expect(interfaceToHear(undefined, [lo, eth1])).toBe(eth1);
  });

  test("otherwise one line says which there are", () => {
    const wrong = (name: string | undefined, all: (typeof lo)[]) => () =>
      interfaceToHear(name, all);
    expect(wrong(undefined, [lo, eth0, eth1])).toThrow(
      /--interface; there are: .*eth1 10\.67\.0\.1/,
    );
    expect(wrong("eth9", [lo, eth0])).toThrow(UserError);
    expect(wrong(undefined, [lo])).toThrow(UserError);
  });
});
