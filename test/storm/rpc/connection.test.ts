import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import type { Reader } from "../../../src/bytes/reader.ts";
import { RESERVED_PORT_TRIES, STORM_RPC_SILENCE_MS } from "../../../src/limits.ts";
import { seededRandom } from "../../../src/storm/random.ts";
import { type Call, rootCredential } from "../../../src/storm/rpc/call.ts";
import { type Refusal, RpcConnection, type RpcHandler } from "../../../src/storm/rpc/connection.ts";
import { Out } from "../../nfs/client.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { FakeServer, marked, settle, success } from "./fake.ts";

const PATIENCE = 120_000;
const echo = { program: 100_003, version: 3, procedure: 0 };

interface About {
  name: string;
}

/** Keeps what it is told. */
class Asker implements RpcHandler<About> {
  readonly server = new FakeServer();
  readonly clock = new VirtualClock();
  readonly told: string[] = [];
  repetitions = 0;
  readonly connection: RpcConnection<About>;

  constructor(isPrivileged = false) {
    this.connection = new RpcConnection<About>({
      server: { address: LOOPBACK_ADDRESS, port: 2049 },
      from: { address: undefined },
      isPrivileged,
      clock: this.clock,
      random: seededRandom(1),
      patienceMs: PATIENCE,
      handler: this,
      make: () => ({ name: "" }),
      connect: this.server.connect,
    });
  }

  ask(name: string): void {
    const call = this.connection.take();
    if (call === undefined) throw new Error("no place");
    call.about.name = name;
    this.connection.send(call.begin(echo, rootCredential("node1")).u32(name.length).finish());
  }

  answered({ about }: Call<About>, results: Reader, received: number): void {
    this.told.push(`${about.name}: ${results.remaining} of ${received}`);
  }

  refused({ about }: Call<About>, why: Refusal): void {
    this.told.push(`${about.name}: ${why}`);
  }

  begins(): boolean {
    return false;
  }

  piece(): void {}

  ends(): void {}

  complained(reason: string): void {
    this.told.push(reason);
  }

  repeated(): void {
    this.repetitions += 1;
  }

  gaveUp(): void {
    this.told.push("gave up");
  }
}

const xidOf = (call: Buffer): number => call.readUInt32BE(0);

describe("a node's calls (RFC 5531)", () => {
  test("those of one turn leave together, and are answered in any order", async () => {
    const asker = new Asker();
    for (const name of ["a", "b", "c"]) asker.ask(name);
    await settle();
    const { calls } = asker.server.last;
    expect(calls.map((call) => call.readUInt32BE(call.length - 4))).toEqual([1, 1, 1]);
    expect(new Set(calls.map(xidOf)).size).toBe(3);
    for (const call of calls.toReversed()) asker.server.send(success(call, Buffer.alloc(8)));
    expect(asker.told).toEqual(["c: 8 of 36", "b: 8 of 36", "a: 8 of 36"]);
    expect(asker.repetitions).toBe(0);
  });

  test("what was not answered is sent again on the next connection, with its xid", async () => {
    const asker = new Asker();
    for (const name of ["a", "b"]) asker.ask(name);
    await settle();
    const [first, second] = asker.server.last.calls;
    if (first === undefined || second === undefined) throw new Error("two calls were sent");
    asker.server.send(success(first));
    const before = asker.server.last;
    asker.server.break(before, "ECONNRESET");
    asker.clock.advance(0);
    await settle();
    expect(asker.server.connections).toHaveLength(2);
    expect(asker.server.last.calls).toEqual([second]);
    asker.server.send(success(second));
    expect(asker.told).toEqual(["a: 0 of 28", "b: 0 of 28"]);
    // The connection, and the call.
    expect(asker.repetitions).toBe(2);
  });

  test("a server that is away is asked for at once, after 3 s, then after twice as long each time", async () => {
    const asker = new Asker();
    asker.server.accepts = () => "ECONNREFUSED";
    asker.ask("a");
    await settle();
    const waits: number[] = [];
    for (let tries = 0; tries < 5; tries += 1) {
      const next = asker.clock.next() ?? 0;
      waits.push(next - asker.clock.now());
      asker.clock.advance(next - asker.clock.now());
      await settle();
    }
    expect(waits).toEqual([0, 3000, 6000, 12_000, 24_000]);
    asker.server.accepts = () => undefined;
    asker.clock.advance(30_000);
    await settle();
    asker.server.send(success(asker.server.last.calls[0] ?? Buffer.alloc(0)));
    expect(asker.told).toEqual(["a: 0 of 28"]);
  });

  test("a connection that ends while nothing is asked is made anew with the next call", async () => {
    const asker = new Asker();
    asker.server.answer = success;
    asker.ask("a");
    await settle();
    asker.server.break();
    asker.clock.advance(600_000);
    await settle();
    expect(asker.server.connections).toHaveLength(1);
    asker.ask("b");
    await settle();
    expect(asker.server.connections).toHaveLength(2);
    expect(asker.told).toEqual(["a: 0 of 28", "b: 0 of 28"]);
  });

  test("silence for a minute: a connection anew; for longer than its patience: it gives up", async () => {
    const asker = new Asker();
    asker.ask("a");
    await settle();
    asker.clock.advance(STORM_RPC_SILENCE_MS - 1);
    expect(asker.server.connections).toHaveLength(1);
    asker.clock.advance(1);
    await settle();
    expect(asker.server.connections).toHaveLength(2);
    expect(asker.server.last.calls).toEqual(asker.server.connections[0]?.calls);
    asker.clock.advance(PATIENCE - STORM_RPC_SILENCE_MS);
    expect(asker.told).toEqual(["gave up"]);
    expect(asker.server.last.isClosed).toBe(true);
    expect(asker.clock.next()).toBe(undefined);
  });

  test("one call that is never answered beside others that are: it gives up, too", async () => {
    const asker = new Asker();
    asker.ask("lost");
    await settle();
    asker.server.answer = success;
    for (let minute = 0; minute < 4; minute += 1) {
      expect(asker.told).not.toContain("gave up");
      asker.clock.advance(50_000);
      asker.ask("other");
      await settle();
      asker.clock.advance(10_000);
    }
    expect(asker.told.at(-1)).toBe("gave up");
  });

  test("bytes that the system did not take at once are not written over", async () => {
    const asker = new Asker();
    const seen: Uint8Array[] = [];
    const { connect } = asker.server;
    const kept = new RpcConnection<About>({
      server: { address: LOOPBACK_ADDRESS, port: 2049 },
      from: { address: undefined },
      isPrivileged: false,
      clock: asker.clock,
      random: seededRandom(2),
      patienceMs: PATIENCE,
      handler: asker,
      make: () => ({ name: "" }),
      connect(options, handler) {
        const socket = connect(options, handler);
        return {
          ...socket,
          write(bytes) {
            seen.push(bytes);
            return false;
          },
        };
      },
    });
    for (const length of [1, 2]) {
      const call = kept.take();
      if (call !== undefined) kept.send(call.begin(echo, rootCredential("n")).u32(length).finish());
      await settle();
    }
    expect(seen.map((bytes) => Buffer.from(bytes).readUInt32BE(bytes.length - 4))).toEqual([1, 2]);
  });
});

describe("replies that are none", () => {
  async function asked(): Promise<[Asker, Buffer]> {
    const asker = new Asker();
    asker.ask("a");
    await settle();
    return [asker, asker.server.last.calls[0] ?? Buffer.alloc(0)];
  }

  test("to no call, to a call again, a call in the place of a reply", async () => {
    const [asker, call] = await asked();
    const other = success(call);
    other.writeUInt32BE((xidOf(call) + 1) >>> 0, 4);
    const older = success(call);
    older.writeUInt32BE((xidOf(call) - 4096) >>> 0, 4);
    const asCall = success(call);
    asCall.writeUInt32BE(0, 8);
    for (const wrong of [other, older, asCall, marked(Buffer.alloc(3))]) asker.server.send(wrong);
    expect(asker.told).toEqual(Array(4).fill("a reply to no call"));
    asker.server.send(Buffer.concat([success(call), success(call)]));
    expect(asker.told.slice(4)).toEqual(["a: 0 of 28", "a reply to no call"]);
  });

  test("refusals say why (RFC 5531 §9); what is cut short is malformed", async () => {
    const statuses: [number, string][] = [
      [1, "unavailable"],
      [2, "unavailable"],
      [3, "unavailable"],
      [4, "garbage arguments"],
      [5, "system error"],
      [99, "system error"],
    ];
    for (const [status, why] of statuses) {
      const [asker, call] = await asked();
      asker.server.send(success(call, Buffer.alloc(0), status));
      expect(asker.told).toEqual([`a: ${why}`]);
    }
    const denials = [
      [new Out().u32(1).u32(1).u32(1), "denied"],
      [new Out().u32(0).u32(0).u32(401).raw(Buffer.alloc(408)), "malformed"],
      [new Out().u32(0).u32(0).u32(0), "malformed"],
      [new Out(), "malformed"],
    ] as const;
    for (const [body, why] of denials) {
      const [asker, call] = await asked();
      asker.server.send(marked(new Out().u32(xidOf(call)).u32(1).raw(body.bytes()).bytes()));
      expect(asker.told).toEqual([`a: ${why}`]);
    }
  });

  test("one that is too long ends the connection; asked again, the server is no better, and it gives up", async () => {
    const [asker] = await asked();
    asker.server.send(new Out().u32(0xffff_ffff).bytes());
    expect(asker.told).toEqual(["too long"]);
    for (let ms = 0; ms <= 2 * PATIENCE; ms += 1000) {
      asker.clock.advance(1000);
      await settle();
      if (!asker.server.last.isClosed) asker.server.send(new Out().u32(0xffff_ffff).bytes());
    }
    expect(asker.told.at(-1)).toBe("gave up");
    expect(asker.server.connections.length).toBeLessThan(15);
  });
});

describe("ports below 1024", () => {
  test("are tried a few times where others have them, then any will do; where none may be bound, never again", async () => {
    const asker = new Asker(true);
    asker.server.accepts = ({ localPort }) => (localPort === undefined ? undefined : "EADDRINUSE");
    asker.ask("a");
    await settle();
    const ports = asker.server.connections.map(({ options }) => options.localPort);
    expect(ports).toHaveLength(RESERVED_PORT_TRIES + 1);
    expect(ports.pop()).toBe(undefined);
    for (const port of ports) expect(port).toSatisfy((own: number) => own >= 665 && own < 1024);
    const forbidden = new Asker(true);
    forbidden.server.accepts = ({ localPort }) => (localPort === undefined ? undefined : "EACCES");
    forbidden.ask("a");
    await settle();
    expect(forbidden.server.connections).toHaveLength(2);
    const later = new Asker(true);
    later.ask("a");
    await settle();
    expect(later.server.connections.map(({ options }) => options.localPort)).toEqual([undefined]);
  });
});
