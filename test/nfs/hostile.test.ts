import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { servePortmap } from "../../src/rpc/server.ts";
import { tcpStreams } from "../captures.ts";
import { SeededRandom } from "../sim/random.ts";
import { callBytes, mark, Out } from "./client.ts";
import { Client, type Served, serve, temporaryDirectory, until } from "./served.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let server: Served;
let connections: () => number;
let seeds: Uint8Array[];

beforeAll(async () => {
  const path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "dir"));
  await writeFile(join(path, "file"), Buffer.alloc(5000, 1));
  server = cleanup.use(await serve(path));
  connections = () => server.connections;
  await using client = await Client.connect(server.port);
  const root = await client.root();
  const { handle } = await client.find("file");
  const nfs = (procedure: number, args: Out) =>
    callBytes(procedure, { program: 100_003, version: 3, procedure }, args.bytes());
  seeds = [
    ...["a-bios-tmpfs", "m-noacl-server"].flatMap((name) =>
      [2049, 111, 20_048].flatMap((port) =>
        tcpStreams(name, port)
          .filter(({ to }) => to.port === port)
          .map(({ bytes }) => bytes.subarray(0, 3000)),
      ),
    ),
    Buffer.concat([
      nfs(1, new Out().opaque(root)),
      nfs(3, new Out().opaque(root).opaque("file")),
      nfs(4, new Out().opaque(handle).u32(0x3f)),
      nfs(6, new Out().opaque(handle).u64(0n).u32(4096)),
      nfs(16, new Out().opaque(root).u64(0n).u64(0n).u32(4096)),
      nfs(17, new Out().opaque(root).u64(0n).u64(0n).u32(4096).u32(4096)),
      nfs(14, new Out().opaque(root).opaque("a").opaque(root).opaque("b")),
      nfs(19, new Out().opaque(root)),
    ]),
  ];
});

/** Bytes that are not quite a real stream: flipped, cut, doubled, or no stream at all. */
function hostile(random: SeededRandom): Uint8Array {
  if (random.chance(0.2)) return random.bytes(random.below(400));
  const bytes = Uint8Array.from(seeds[random.below(seeds.length)] ?? []);
  for (let left = 1 + random.below(6); left > 0; left -= 1) {
    const at = random.below(bytes.length);
    switch (random.below(4)) {
      case 0:
        bytes[at] = random.u32() & 255;
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        break;
      case 2:
        bytes.set([0xff, 0xff, 0xff, 0xff].slice(0, bytes.length - at), at);
        break;
      default:
        bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length));
    }
  }
  return random.chance(0.3) ? bytes.subarray(0, random.below(bytes.length)) : bytes;
}

/** Sends it all in a few pieces, then leaves: politely or not. */
async function assail(port: number, bytes: Uint8Array, random: SeededRandom): Promise<void> {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => {});
  socket.resume();
  await once(socket, "connect");
  const cut = random.below(bytes.length + 1);
  socket.write(bytes.subarray(0, cut));
  const closed = new Promise((resolve) => socket.once("close", resolve));
  if (random.chance(0.5)) await new Promise((resolve) => setImmediate(resolve));
  if (random.chance(0.3)) socket.resetAndDestroy();
  else socket.end(bytes.subarray(cut));
  await closed;
}

async function assailWith(streams: number, seed: number, port: number): Promise<void> {
  const random = new SeededRandom(seed);
  for (let sent = 0; sent < streams; sent += 20) {
    const batch = Array.from({ length: 20 }, () => assail(port, hostile(random), random));
    await Promise.all(batch);
  }
}

const seed = Number(process.env["SEED"] ?? Math.floor(Math.random() * 2 ** 32));

describe(`hostile streams (SEED=${seed})`, () => {
  test("a thousand random or mutated streams to NFS and MOUNT: nothing dies or leaks, counters move", async () => {
    await assailWith(1000, seed, server.port);
    await until(() => connections() === 0);
    const reasons = new Set(
      server.events.flatMap((event) => (event.kind === "refused" ? [event.reason] : [])),
    );
    const expected = ["malformed", "record-too-long", "bad-handle", "unknown-program"];
    for (const reason of expected) expect(reasons).toContain(reason);
    await using client = await Client.connect(server.port);
    expect((await client.readAll((await client.find("file")).handle)).length).toBe(5000);
  });

  test("a thousand to the portmapper", async () => {
    const told: string[] = [];
    const portmap = cleanup.use(
      await servePortmap({
        local: { address: LOOPBACK_ADDRESS, port: 0 },
        mappings: () => [{ program: 100_003, version: 3, port: 2049 }],
        tell: (event) => told.push(event.kind === "refused" ? event.reason : event.kind),
        report: (what, error) => told.push(`${what}: ${String(error)}`),
      }),
    );
    await assailWith(1000, seed + 1, portmap.local.port);
    await until(() => portmap.connections === 0);
    expect(told.filter((reason) => reason.includes(":"))).toEqual([]);
    expect(told.length).toBeGreaterThan(100);
    const socket = net.connect(portmap.local.port, "127.0.0.1");
    const args = new Out().u32(100_003).u32(3).u32(6).u32(0).bytes();
    socket.write(callBytes(1, { program: 100_000, version: 2, procedure: 3 }, args));
    const [reply] = (await once(socket, "data")) as [Buffer];
    expect(reply.readUInt32BE(28)).toBe(2049);
    socket.destroy();
  });

  test("half a record on five hundred connections costs no more than that", async () => {
    const sockets = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const socket = net.connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        await once(socket, "connect");
        socket.write(Buffer.concat([mark(60_000), Buffer.alloc(100)]));
        return socket;
      }),
    );
    await until(() => connections() === 500);
    await using client = await Client.connect(server.port);
    expect(await client.root()).toHaveLength(28);
    for (const socket of sockets) socket.destroy();
    await until(() => connections() === 1);
  });

  test("2 GiB announced, and endless empty fragments, end the connection", async () => {
    for (const bytes of [Buffer.from("ffffffff", "hex"), Buffer.alloc(4000)]) {
      const socket = net.connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write(bytes);
      socket.resume();
      await once(socket, "close");
    }
    expect(server.events.at(-1)).toMatchObject({ reason: "too-many-fragments" });
  });
});
