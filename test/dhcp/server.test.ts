import { once } from "node:events";
import { describe, expect, test } from "vitest";
import type { Ipv4 } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decodePacket, findOption } from "../../src/dhcp/packet.ts";
import { serveDhcp } from "../../src/dhcp/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import { openUdp } from "../../src/net/udp.ts";
import { UserError } from "../../src/user-error.ts";
import {
  address,
  clientMessage,
  MemoryStore,
  numberedMac,
  rangeOf,
  settingsWith,
} from "./messages.ts";

/** On the loopback network, where a renewal needs no broadcast. interop.test.ts does the rest. */

const CLIENT = address("127.0.0.60");
const report = (what: string, error: unknown) => {
  throw new Error(what, { cause: error });
};

function serve(
  serverAddress: Ipv4,
  clientPort: number,
  changes: Partial<Parameters<typeof serveDhcp>[0]> = {},
) {
  const settings = settingsWith({
    serverAddress,
    network: { network: address("127.0.0.0"), prefix: 8 },
    ranges: [rangeOf("127.0.0.50", 50)],
  });
  return serveDhcp({
    settings: () => settings,
    clock: systemClock,
    store: new MemoryStore(),
    tell: () => {},
    report,
    isPresent: () => false,
    learn: () => {},
    warn: () => {},
    ports: { server: 0, client: clientPort },
    ...changes,
  });
}

async function openClient() {
  const heard = new EventTarget();
  const socket = await openUdp({
    local: { address: CLIENT, port: 0 },
    receive: (bytes) => heard.dispatchEvent(new CustomEvent("reply", { detail: bytes.slice() })),
    report,
    broadcast: true,
  });
  const ask = async (to: Ipv4, port: number): Promise<number | undefined> => {
    const reply = once(heard, "reply");
    socket.send(clientMessage({ type: 3, mac: numberedMac(1), ciaddr: CLIENT }), {
      address: to,
      port,
    });
    const [event] = await reply;
    const packet = decodePacket(event.detail);
    return isMalformed(packet) ? undefined : findOption(packet, 53)?.[0];
  };
  return { socket, ask };
}

describe("serveDhcp", () => {
  test("answers what comes to its address, and what comes by broadcast on its interface", async () => {
    const { socket, ask } = await openClient();
    await using _socket = socket;
    await using server = await serve(address("127.0.0.1"), socket.local.port);
    expect(await ask(address("127.0.0.1"), server.port)).toBe(5);
    expect(await ask(address("127.255.255.255"), server.port)).toBe(5);
    expect(server.nodeAt(CLIENT)?.mac).toBe(numberedMac(1));
    expect(server.addressOf(numberedMac(1))).toBe(CLIENT);
  });

  test("relays that cannot be reached are worth one word, however many ask in their name", async () => {
    const { socket, ask } = await openClient();
    await using _socket = socket;
    const reports: string[] = [];
    const client = socket.local.port;
    // Relays are answered at the server's own port, which must be one.
    const ports = { server: client === 65_535 ? client - 1 : client + 1, client };
    await using server = await serve(address("127.0.0.1"), client, {
      ports,
      report: (what) => reports.push(what),
    });
    const to = { address: address("127.0.0.1"), port: server.port };
    // RFC 1112 §4: class E is nobody's.
    const giaddr = address("240.0.0.1");
    const more = [[82, [5, 4, 127, 0, 0, 0]]] as const;
    const flood = clientMessage({ type: 1, mac: numberedMac(2), giaddr, more });
    for (let at = 0; at < 100; at += 1) socket.send(flood, to);
    expect(await ask(address("127.0.0.1"), server.port)).toBe(5);
    await expect.poll(() => reports).toHaveLength(1);
    expect(await ask(address("127.0.0.1"), server.port)).toBe(5);
    expect(reports).toHaveLength(1);
  });

  test("an address that the machine does not have is one line that says what to do", async () => {
    await expect(serve(address("192.0.2.1"), 68)).rejects.toThrow(UserError);
    await expect(serve(address("192.0.2.1"), 68)).rejects.toThrow(
      /mend `interface:` or `address:`/,
    );
  });
});
