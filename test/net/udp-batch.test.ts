import process from "node:process";
import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import type { Endpoint } from "../../src/net/endpoint.ts";
import type { UdpSocket } from "../../src/net/udp.ts";
import { loadBatching, openBatchedUdp } from "../../src/net/udp-batch.ts";
import { SeededRandom } from "../sim/random.ts";

interface Opened {
  readonly socket: UdpSocket;
  readonly arrived: { readonly bytes: Uint8Array; readonly from: Endpoint }[];
}

interface Way {
  readonly calls: ReturnType<typeof loadBatching>;
  readonly joins: boolean;
}

const batching = loadBatching();

async function open(
  { calls, joins }: Way,
  answer: (socket: UdpSocket, bytes: Uint8Array, from: Endpoint) => void = () => {},
): Promise<Opened> {
  const arrived: Opened["arrived"] = [];
  const socket: UdpSocket = await openBatchedUdp(
    {
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      receive(bytes, from) {
        arrived.push({ bytes: Uint8Array.from(bytes), from });
        answer(socket, bytes, from);
      },
      report: (what, error) => expect.fail(`${what}: ${error}`),
      joins,
    },
    calls,
  );
  onTestFinished(() => socket[Symbol.asyncDispose]());
  return { socket, arrived };
}

test("on Linux it is there for the processors that we know, and Node is not heard to warn", async () => {
  const warnings: Error[] = [];
  const heard = (warning: Error): number => warnings.push(warning);
  process.on("warning", heard);
  const isExpected = process.platform === "linux" && ["x64", "arm64"].includes(process.arch);
  expect(loadBatching() !== undefined).toBe(isExpected);
  await setImmediate();
  process.off("warning", heard);
  expect(warnings).toEqual([]);
});

test.each([
  ["as long as UDP allows", 65_507, 65_507],
  ["cut where less was asked for", 100, 100],
])("what arrives is %s", async (_, arrivedBytes, bytes) => {
  const way = { calls: loadBatching(arrivedBytes), joins: false };
  const one = await open(way);
  const other = await open(way);
  // The first comes in by node:dgram, which cuts nothing.
  one.socket.send(new Uint8Array(10), other.socket.local);
  await Promise.resolve();
  one.socket.send(new Uint8Array(65_507), other.socket.local);
  await expect
    .poll(() => other.arrived.map((arrived) => arrived.bytes.length))
    .toEqual([10, bytes]);
});

describe.each([
  ["many at once", { calls: batching, joins: false }],
  ["many at once, joined where they go to one address", { calls: batching, joins: true }],
  ["one by one, where the system's calls are not there", { calls: undefined, joins: true }],
])("%s", (_, way) => {
  test("datagrams of every size arrive whole, in order, and say whom they are from", async () => {
    const one = await open(way);
    const other = await open(way);
    const random = new SeededRandom(1);
    const sizes = [
      0,
      1,
      4,
      1472,
      1536,
      1537,
      4000,
      ...Array.from({ length: 90 }, () => random.below(1500)),
    ];
    const sent = sizes.map((size) => random.bytes(size));
    for (const bytes of sent) one.socket.send(bytes, other.socket.local);
    await expect.poll(() => other.arrived.length).toBe(sent.length);
    // Those that do not fit go another way, and may be overtaken.
    const byContent = (all: readonly Uint8Array[]): string[] =>
      all.map((bytes) => Buffer.from(bytes).toString("hex")).sort();
    expect(byContent(other.arrived.map(({ bytes }) => bytes))).toEqual(byContent(sent));
    expect(other.arrived.every(({ from }) => from.port === one.socket.local.port)).toBe(true);
    expect(other.arrived.every(({ from }) => from.address === LOOPBACK_ADDRESS)).toBe(true);
  });

  test("several that send in turns do not get into each other's datagrams", async () => {
    const { socket, arrived } = await open(way);
    const senders = [await open(way), await open(way), await open(way)];
    const senderOf = (count: number) => senders[(count % 7) % 3]?.socket;
    for (let count = 0; count < 200; count += 1) {
      senderOf(count)?.send(Uint8Array.of(count), socket.local);
    }
    await expect.poll(() => arrived.length).toBe(200);
    const numbers = arrived.map(({ bytes }) => bytes[0] ?? 0);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, at) => at));
    const ports = numbers.map((count) => senderOf(count)?.local.port);
    expect(arrived.map(({ from }) => from.port)).toEqual(ports);
  });

  test("two that answer each other do so without end, and let others have their turn", async () => {
    const echo = (socket: UdpSocket, bytes: Uint8Array, from: Endpoint): void => {
      if (pongs < 20_000) socket.send(bytes, from);
      pongs += 1;
    };
    let pongs = 0;
    const one = await open(way, echo);
    const other = await open(way, echo);
    for (let ball = 0; ball < 50; ball += 1)
      one.socket.send(Uint8Array.of(ball), other.socket.local);
    await expect.poll(() => pongs).toBeGreaterThan(20_000);
    expect(new Set(other.arrived.map(({ bytes }) => bytes[0])).size).toBe(50);
  });

  test("one that always has something to read leaves others their turn", async () => {
    let received = 0;
    let inOneTurn: number | undefined;
    const { socket } = await open(way, (own, bytes) => {
      if (received === 0) {
        void setImmediate().then(() => {
          inOneTurn = received;
        });
      }
      received += 1;
      if (inOneTurn === undefined && received < 20_000) own.send(bytes, own.local);
    });
    for (let ball = 0; ball < 64; ball += 1) socket.send(Uint8Array.of(ball), socket.local);
    await expect.poll(() => inOneTurn).toBeDefined();
    // What is received in a row, and what node:dgram receives after that.
    expect(inOneTurn).toBeLessThan(16 * 64 + 100);
  });

  test("the bytes are the sender's again at once, or after the turn", async () => {
    const one = await open(way);
    const other = await open(way);
    const bytes = Uint8Array.of(1, 2, 3);
    one.socket.send(bytes, other.socket.local);
    await setImmediate();
    bytes.fill(9);
    await expect.poll(() => other.arrived.length).toBe(1);
    expect([...(other.arrived[0]?.bytes ?? [])]).toEqual([1, 2, 3]);
  });

  test("what was sent before its end leaves; after it, nothing does", async () => {
    const one = await open(way);
    const other = await open(way);
    one.socket.send(Uint8Array.of(1), other.socket.local);
    one.socket.send(new Uint8Array(4000), other.socket.local);
    await one.socket[Symbol.asyncDispose]();
    one.socket.send(Uint8Array.of(2), other.socket.local);
    await expect.poll(() => other.arrived.map(({ bytes }) => bytes.length)).toEqual([1, 4000]);
  });

  test("more than the system's buffer holds is not lost on the way out", async () => {
    const one = await open(way);
    const nowhere = { address: LOOPBACK_ADDRESS, port: 9 };
    for (let count = 0; count < 5000; count += 1) one.socket.send(new Uint8Array(1400), nowhere);
    const other = await open(way);
    one.socket.send(Uint8Array.of(7), other.socket.local);
    await expect.poll(() => other.arrived.length).toBe(1);
  });
});
