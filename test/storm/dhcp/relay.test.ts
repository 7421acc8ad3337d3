import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import { decodePacket } from "../../../src/dhcp/packet.ts";
import { serveDhcp } from "../../../src/dhcp/server.ts";
import { systemClock } from "../../../src/net/clock.ts";
import type { Endpoint } from "../../../src/net/endpoint.ts";
import { DhcpClient } from "../../../src/storm/dhcp/client.ts";
import { nodeOfXid } from "../../../src/storm/dhcp/message.ts";
import { openRelay } from "../../../src/storm/dhcp/relay.ts";
import type { DhcpDeed } from "../../../src/storm/trace/trace.ts";
import type { BootEvent } from "../../../src/watch/events.ts";
import { address, MemoryStore, numberedMac, rangeOf, settingsWith } from "../../dhcp/messages.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { SeededRandom } from "../../sim/random.ts";
import { RecordingTally } from "../recording-tally.ts";

const NODES = 2000;
/** Sent in one turn: a fifth of what a receive buffer holds on a Linux as it is delivered. */
const NODES_A_TURN = 64;

const deed: DhcpDeed = {
  kind: "dhcp",
  client: "kernel",
  flags: 0,
  discover: [{ code: 55, value: "0103" }],
  request: [{ code: 55, value: "0103" }],
  think: 0,
};

const report = (what: string, error: unknown): void => {
  throw new Error(what, { cause: error });
};

/** A server and a relay, both on the loopback network. */
async function openRoom(reply: (xid: number, datagram: Uint8Array) => void) {
  await using opened = new AsyncDisposableStack();
  const refusals: BootEvent[] = [];
  const servers: Endpoint[] = [];
  const local = { address: address("127.0.1.1"), port: 0 };
  const relay = opened.use(await openRelay({ local, servers, reply, report }));
  const { port } = relay.local;
  const serverAddress = address("127.0.0.1");
  const settings = settingsWith({
    serverAddress,
    network: { network: address("127.0.0.0"), prefix: 8 },
    ranges: [rangeOf("127.0.8.0", NODES)],
  });
  opened.use(
    await serveDhcp({
      settings: () => settings,
      clock: systemClock,
      store: new MemoryStore(),
      tell: (event) => void (event.kind === "refused" && refusals.push(event)),
      report,
      isPresent: () => false,
      learn: () => {},
      warn: () => {},
      // Relays are answered at the server's own port.
      ports: { server: port, client: port === 65_535 ? port - 1 : port + 1 },
    }),
  );
  servers.push({ address: serverAddress, port });
  const running = opened.move();
  return { relay, refusals, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

test(`${NODES} nodes that are switched on together have addresses, and none asked twice`, async () => {
  // It stands still: nothing is sent again.
  const clock = new VirtualClock();
  const tally = new RecordingTally();
  const chance = new SeededRandom(1);
  const addresses = new Set<number | undefined>();
  const clients: DhcpClient[] = [];
  await using room = await openRoom((xid, datagram) => {
    const packet = decodePacket(datagram);
    if (!isMalformed(packet)) clients[nodeOfXid(xid)]?.receive(packet);
  });
  for (let index = 0; index < NODES; index += 1) {
    const client = new DhcpClient({
      identity: { index, name: `n${index}`, mac: numberedMac(index), uuid: new Uint8Array(16) },
      send: (datagram) => room.relay.send(datagram),
      clock,
      random: () => chance.u32() / 2 ** 32,
      relay: room.relay.local.address,
      tally,
      patienceMs: 120_000,
    });
    clients.push(client);
    client.run(deed, 0, (_, lease) => addresses.add(lease?.address));
    if (index % NODES_A_TURN === 0) await setImmediate();
  }
  await expect.poll(() => addresses.size, { timeout: 20_000 }).toBe(NODES);
  expect(addresses.has(undefined)).toBe(false);
  expect(room.refusals).toEqual([]);
  expect(tally.complaints).toEqual([]);
}, 30_000);
