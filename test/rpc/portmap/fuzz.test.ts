import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import type { TcpListener } from "../../../src/net/tcp.ts";
import { servePortmap } from "../../../src/rpc/portmap/server.ts";
import { callBytes, Out, RpcTestClient } from "../../nfs/client.ts";
import { mutated } from "../../nfs/mutation.ts";
import { until } from "../../nfs/served.ts";
import { SeededRandom } from "../../sim/random.ts";
import { rpcb } from "./asking.ts";

/** The portmapper is open to everybody: it answers whatever came before. */

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));
const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const refused: string[] = [];
const reported: unknown[] = [];
let server: TcpListener;

beforeAll(async () => {
  server = cleanup.use(
    await servePortmap({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      mappings: () => [{ program: 100_003, version: 3, port: 2049 }],
      clock: systemClock,
      tell: (event) => refused.push(event.kind === "refused" ? event.reason : event.kind),
      report: (_, error) => reported.push(error),
    }),
  );
});

function call(version: number, procedure: number, args = new Out(), xid = 1): Buffer {
  const head = { program: 100_000, version, procedure, caller: "nobody" } as const;
  return callBytes(xid, head, args.bytes());
}

const seeds = [
  call(2, 3, new Out().u32(100_003).u32(3).u32(6).u32(0)),
  call(2, 4),
  call(3, 4),
  call(4, 3, rpcb(100_003, 3)),
  call(4, 11, rpcb(100_000, 4)),
];

/** With `skipped` bytes less in front: datagrams have no mark. */
function hostile(random: SeededRandom, skipped: number): Uint8Array {
  if (random.chance(0.2)) return random.bytes(random.below(400));
  const seedOf = () => (seeds[random.below(seeds.length)] ?? Buffer.alloc(0)).subarray(skipped);
  return mutated(seedOf(), seedOf(), random);
}

describe(`hostile calls of the portmapper (SEED=${seed})`, () => {
  test("ten thousand mutated or random datagrams", async () => {
    const random = new SeededRandom(seed);
    const socket = dgram.createSocket("udp4");
    cleanup.defer(() => void socket.close());
    socket.connect(server.local.port, "127.0.0.1");
    await once(socket, "connect");
    const answered = new Set<number>();
    socket.on("message", (reply) => answered.add(reply.readUInt32BE(0)));
    for (let sent = 1; sent <= 10_000; sent += 1) {
      socket.send(hostile(random, 4));
      if (sent % 100 !== 0) continue;
      const xid = 0xff00_0000 + sent;
      socket.send(call(2, 0, new Out(), xid).subarray(4));
      await until(() => answered.has(xid));
    }
    expect(reported).toEqual([]);
  });

  test("a thousand mutated or random streams", async () => {
    const random = new SeededRandom(seed);
    refused.length = 0;
    const assail = async (): Promise<void> => {
      const socket = net.connect(server.local.port, "127.0.0.1");
      socket.on("error", () => {});
      await once(socket, "connect");
      const closed = once(socket.resume(), "close");
      const bytes = hostile(random, 0);
      if (random.chance(0.3)) socket.write(bytes, () => socket.resetAndDestroy());
      else socket.end(bytes);
      await closed;
    };
    for (let sent = 0; sent < 1000; sent += 20) {
      await Promise.all(Array.from({ length: 20 }, assail));
    }
    await until(() => server.connections === 0);
    expect(reported).toEqual([]);
    expect(refused.length).toBeGreaterThan(100);
    await using client = await RpcTestClient.connect(server.local.port);
    const args = new Out().u32(100_003).u32(3).u32(6).u32(0).bytes();
    const results = await client.results({ program: 100_000, version: 2, procedure: 3 }, args);
    expect(results.u32()).toBe(2049);
  });
});
