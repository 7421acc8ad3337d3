import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import net from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RPC_CONNECTIONS_MAX, RPC_CONNECTIONS_PER_HOST_MAX } from "../../src/limits.ts";
import { SeededRandom } from "../sim/random.ts";
import { type Apart, serveApart } from "./apart/apart.ts";
import { callBytes, mark, Out, parseReply, RpcTestClient, records } from "./client.ts";
import { Client, temporaryDirectory, until } from "./served.ts";

/** Clients that keep to no rule of streams, or take more than their share. fuzz.test.ts has the calls that are wrong. */

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let server: Apart;
const content = Buffer.alloc(8 << 20, 7);

beforeAll(async () => {
  const path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "dir"));
  await writeFile(join(path, "file"), content);
  server = cleanup.use(await serveApart(path));
});

const MIB = 1 << 20;
const nobody = "127.0.0.9";

/** All of 127.0.0.0/8 is this machine's. One that is refused is closed at once, or soon. */
async function connect(localAddress = "127.0.0.1"): Promise<net.Socket> {
  const socket = net.connect({ port: server.port, host: "127.0.0.1", localAddress });
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
}

async function clientAt(localAddress: string): Promise<Client> {
  return new Client(new RpcTestClient(await connect(localAddress)));
}

async function connectMany(count: number, localAddress: string): Promise<net.Socket[]> {
  const sockets: net.Socket[] = [];
  while (sockets.length < count) {
    const batch = Math.min(64, count - sockets.length);
    sockets.push(
      ...(await Promise.all(Array.from({ length: batch }, () => connect(localAddress)))),
    );
  }
  return sockets;
}

/** Reset: among thousands of ports in TIME_WAIT the kernel takes long to find one for who comes next. */
async function destroyAll(sockets: readonly net.Socket[]): Promise<void> {
  for (const socket of sockets) socket.resetAndDestroy();
  await until(async () => (await server.state()).connections === 0);
}

const isOpen = (socket: net.Socket): boolean => !socket.destroyed;

describe("record marks", () => {
  test("2 GiB announced ends the connection at once, and nothing is set aside for it", async () => {
    const before = await server.state(true);
    for (const announced of ["ffffffff", "7fffffff", "80010001", "00010001"]) {
      const sockets = await connectMany(100, "127.0.0.1");
      const closed = sockets.map((socket) => once(socket.resume(), "close"));
      for (const socket of sockets) socket.write(Buffer.from(announced, "hex"));
      await Promise.all(closed);
    }
    const after = await server.state(true);
    expect(after.refused["record-too-long"]).toBe((before.refused["record-too-long"] ?? 0) + 400);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(4 * MIB);
  });

  test("endless empty fragments end the connection", async () => {
    const socket = await connect();
    const closed = once(socket.resume(), "close");
    socket.write(Buffer.alloc(4000));
    await closed;
    expect((await server.state()).refused["too-many-fragments"]).toBe(1);
  });

  test("a call byte by byte, each in a fragment and a segment of its own, is answered", async () => {
    const call = callBytes(
      77,
      { program: 100_003, version: 3, procedure: 0, caller: "nobody" },
      new Uint8Array(),
    );
    const bytes = call.subarray(4);
    const socket = await connect();
    socket.setNoDelay();
    const fragments = [...bytes].flatMap((byte, at) => [...mark(1, at === bytes.length - 1), byte]);
    for (const byte of fragments) {
      await new Promise((resolve) => socket.write(Buffer.of(byte), resolve));
    }
    const [reply] = (await once(socket, "data")) as [Buffer];
    expect(records(reply).map(parseReply)).toMatchObject([{ xid: 77, accepted: 0 }]);
    await destroyAll([socket]);
  });

  test("halves of records on a thousand connections cost what came, not what was announced", async () => {
    const before = await server.state(true);
    const sockets = await connectMany(1000, "127.0.0.1");
    for (const socket of sockets) socket.write(Buffer.concat([mark(60_000), Buffer.alloc(100)]));
    await until(async () => (await server.state()).connections === 1000);
    const during = await server.state(true);
    expect(during.heapBytes - before.heapBytes).toBeLessThan(32 * MIB);
    await destroyAll(sockets);
    expect((await server.state(true)).descriptors).toBe(before.descriptors);
  });
});

describe("too many connections", () => {
  test("one address gets three quarters of them, and cannot lock out the others", {
    timeout: 60_000,
  }, async () => {
    const before = await server.state();
    const flood = await connectMany(RPC_CONNECTIONS_PER_HOST_MAX + 76, "127.0.0.1");
    await until(() => flood.filter(isOpen).length === RPC_CONNECTIONS_PER_HOST_MAX);
    await using good = await clientAt("127.0.0.2");
    expect(await good.root()).toHaveLength(28);
    // The good one's is one of them.
    const left = RPC_CONNECTIONS_MAX - RPC_CONNECTIONS_PER_HOST_MAX - 1;
    const second = await connectMany(left + 77, "127.0.0.3");
    await until(() => second.filter(isOpen).length <= left);
    const full = await server.state();
    expect(full.connections).toBe(RPC_CONNECTIONS_MAX);
    expect(full.refused["connections"]).toBe((before.refused["connections"] ?? 0) + 76 + 77);
    const late = await connect(nobody);
    if (isOpen(late)) await once(late.resume(), "close");
    expect(content.equals(await good.readAll((await good.find("file")).handle))).toBe(true);
    await good.rpc[Symbol.asyncDispose]();
    await destroyAll([...flood, ...second]);
    await using again = await clientAt(nobody);
    expect(await again.root()).toHaveLength(28);
  });

  test("five thousand that come and go, politely or not, leave nothing", {
    timeout: 60_000,
  }, async () => {
    await until(async () => (await server.state()).connections === 0);
    const before = await server.state(true);
    const random = new SeededRandom(1);
    const pass = async (): Promise<void> => {
      for (let count = 0; count < 100; count += 1) {
        const socket = await connect();
        if (random.chance(0.5)) socket.write(random.bytes(random.below(40)));
        if (random.chance(0.5)) socket.resetAndDestroy();
        else socket.end();
        socket.resume();
        await once(socket, "close");
      }
    };
    await Promise.all(Array.from({ length: 50 }, pass));
    await until(async () => (await server.state()).connections === 0);
    const after = await server.state(true);
    expect(after.descriptors).toBe(before.descriptors);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(8 * MIB);
    expect(after.reported).toEqual([]);
  });
});

describe("clients that do not read", () => {
  test("fifty that stop in the middle of 1 MiB READs are bounded; another reads meanwhile", {
    timeout: 60_000,
  }, async () => {
    await until(async () => (await server.state()).connections === 0);
    await using client = await clientAt("127.0.0.1");
    const { handle } = await client.find("file");
    const read = (xid: number): Buffer =>
      callBytes(
        xid,
        { program: 100_003, version: 3, procedure: 6 },
        new Out().opaque(handle).u64(0n).u32(MIB).bytes(),
      );
    const calls = Buffer.concat(Array.from({ length: 100 }, (_, xid) => read(xid)));
    await client.readAll(handle);
    const before = await server.state(true);
    const sockets = await connectMany(50, "127.0.0.1");
    for (const socket of sockets) {
      socket.write(calls);
      // Some bytes of the first reply, and no more.
      socket.once("data", () => socket.pause());
    }
    for (let round = 0; round < 5; round += 1) {
      expect(content.equals(await client.readAll(handle))).toBe(true);
    }
    const during = await server.state(true);
    expect(during.pinnedBytes).toBeGreaterThan(0);
    // 5,000 MiB were asked for. What one connection may be owed: 2 MiB, and one READ more; kernel buffers are not counted.
    expect(during.heapBytes - before.heapBytes).toBeLessThan(50 * 4 * MIB);
    expect(during.residentBytes - before.residentBytes).toBeLessThan(400 * MIB);
    // They go on where they stopped.
    const [one] = sockets;
    if (one === undefined) throw new Error("no connection");
    let received = 0;
    one.on("data", (chunk) => {
      received += chunk.length;
    });
    one.resume();
    await until(() => received > 90 * MIB);
    await client.rpc[Symbol.asyncDispose]();
    await destroyAll(sockets);
    await until(async () => (await server.state()).pinnedBytes === 0);
    const after = await server.state(true);
    expect(after.heapBytes - before.heapBytes).toBeLessThan(16 * MIB);
  });

  test("answers that nobody waits for any more do not harm", async () => {
    await using client = await clientAt("127.0.0.1");
    const { handle } = await client.find("file");
    const args = new Out().opaque(handle).u64(0n).u32(MIB).bytes();
    for (let round = 0; round < 50; round += 1) {
      const socket = await connect();
      for (let xid = 0; xid < 20; xid += 1) {
        socket.write(callBytes(xid, { program: 100_003, version: 3, procedure: 6 }, args));
      }
      socket.resetAndDestroy();
    }
    expect(content.equals(await client.readAll(handle))).toBe(true);
    await until(async () => (await server.state()).pinnedBytes === 0);
    expect((await server.state()).reported).toEqual([]);
  });
});
