import { once } from "node:events";
import net from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { listenTcp, type TcpConnection, type TcpListener } from "../../src/net/tcp.ts";

let cleanup = new AsyncDisposableStack();
afterEach(async () => {
  await cleanup.disposeAsync();
  cleanup = new AsyncDisposableStack();
});

interface Accepted {
  readonly listener: TcpListener;
  readonly connections: TcpConnection[];
  readonly refused: string[];
}

async function listen(options: {
  readonly connectionsPerHostMax?: number;
  readonly stalledMs?: number;
}): Promise<Accepted> {
  const connections: TcpConnection[] = [];
  const refused: string[] = [];
  const listener = cleanup.use(
    await listenTcp({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      connectionsMax: 100,
      keepAliveMs: 60_000,
      accept(connection) {
        connections.push(connection);
        return { data() {}, drained() {}, closed() {} };
      },
      refused: (peer) => refused.push(peer),
      ...options,
    }),
  );
  return { listener, connections, refused };
}

/** Every address that begins with 127 is this machine's. */
async function connect(listener: TcpListener, localAddress = "127.0.0.1"): Promise<net.Socket> {
  const socket = net.connect({ port: listener.local.port, host: "127.0.0.1", localAddress });
  cleanup.defer(() => void socket.destroy());
  socket.on("error", () => {});
  await new Promise((resolve) => socket.once("connect", resolve).once("close", resolve));
  return socket;
}

describe("connections of one address", () => {
  test("are bounded; others have what it left", async () => {
    const { listener, refused } = await listen({ connectionsPerHostMax: 3 });
    const first = await connect(listener);
    await connect(listener);
    await connect(listener);
    const fourth = await connect(listener);
    if (!fourth.destroyed) await once(fourth, "close");
    expect(refused).toEqual(["127.0.0.1"]);
    await connect(listener, "127.0.0.2");
    await expect.poll(() => listener.connections).toBe(4);
    first.destroy();
    await expect.poll(() => listener.connections).toBe(3);
    await connect(listener);
    await expect.poll(() => listener.connections).toBe(4);
    expect(refused).toHaveLength(1);
  });
});

describe("a peer that takes nothing", () => {
  test("is given up after a time; one that is owed nothing stays", async () => {
    const { listener, connections } = await listen({ stalledMs: 200 });
    const idle = await connect(listener);
    const stalled = await connect(listener);
    stalled.pause();
    await expect.poll(() => connections.length).toBe(2);
    const accepted = connections[1];
    if (accepted === undefined) throw new Error("not accepted");
    // More than both ends' buffers hold.
    for (let written = 0; written < 64; written += 1) accepted.send([new Uint8Array(1 << 20)]);
    await expect.poll(() => listener.connections).toBe(1);
    expect(idle.destroyed).toBe(false);
    const answered = once(idle, "data");
    connections[0]?.send([Uint8Array.of(7)]);
    expect(await answered).toEqual([Buffer.of(7)]);
  });

  test("is not one that reads slowly, as long as it reads", async () => {
    const { listener, connections } = await listen({ stalledMs: 400 });
    const slow = await connect(listener);
    await expect.poll(() => connections.length).toBe(1);
    const bytes = 24 << 20;
    for (let written = 0; written < bytes; written += 1 << 20) {
      connections[0]?.send([new Uint8Array(1 << 20)]);
    }
    let received = 0;
    slow.on("data", (chunk) => {
      received += chunk.length;
      slow.pause();
      setTimeout(() => slow.resume(), 2);
    });
    await expect.poll(() => received, { timeout: 20_000 }).toBe(bytes);
    expect(listener.connections).toBe(1);
  });
});
