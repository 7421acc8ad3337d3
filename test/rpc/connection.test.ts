import { describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import type { TcpConnection } from "../../src/net/tcp.ts";
import { RpcConnection } from "../../src/rpc/connection.ts";
import { successReply } from "../../src/rpc/message.ts";
import type { RpcProgram, RpcResult } from "../../src/rpc/program.ts";
import { callBytes, Out, parseReply, records } from "../nfs/client.ts";

/** A connection in memory, as net/tcp.ts gives them. */
class Wire implements TcpConnection {
  readonly peer = { address: LOOPBACK_ADDRESS, port: 1000 };
  readonly local = { address: LOOPBACK_ADDRESS, port: 2049 };
  readonly writes: Buffer[] = [];
  isPaused = false;
  isOpen = true;
  /** What the peer does not take is refused from here on. */
  isFull = false;
  /** What waits until it has left. */
  readonly sent: (() => void)[] = [];

  send(parts: readonly Uint8Array[], sent?: () => void): boolean {
    this.writes.push(Buffer.concat(parts));
    if (sent !== undefined) this.sent.push(sent);
    return !this.isFull;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.isOpen = false;
  }

  destroy(): void {
    this.isOpen = false;
  }

  xids(): number[] {
    return records(Buffer.concat(this.writes)).map((record) => parseReply(record).xid);
  }
}

/** Procedure 0 answers at once, 1 when told, 2 breaks, 3 answers in three parts. */
function testProgram() {
  const waiting = new Map<number, (result: RpcResult) => void>();
  const released: number[] = [];
  const program: RpcProgram = {
    program: 9,
    version: 1,
    call({ xid, procedure, args }, client) {
      switch (procedure) {
        case 0:
          return successReply(xid, 0).full();
        case 1:
          client.expect(args.u32());
          return new Promise<RpcResult>((resolve) => waiting.set(xid, resolve));
        case 2:
          throw new Error("broken");
        case 3:
          return {
            head: successReply(xid, 4, 8).u32(8).full(),
            parts: [Buffer.from("abcd"), Buffer.from("efgh")],
            release: () => released.push(xid),
          };
        default:
          return "unknown-procedure";
      }
    },
  };
  const finish = async (xid: number) => {
    waiting.get(xid)?.(successReply(xid, 0).full());
    waiting.delete(xid);
    await Promise.resolve();
    await Promise.resolve();
    await Promise.resolve();
  };
  return { program, waiting, released, finish };
}

function open() {
  const wire = new Wire();
  const told: string[] = [];
  const reported: unknown[] = [];
  const { program, waiting, released, finish } = testProgram();
  const connection = new RpcConnection(wire, {
    protocol: "nfs",
    programs: [program],
    tell: (event) => told.push(event.kind === "refused" ? event.reason : event.kind),
    report: (_, error) => reported.push(error),
  });
  return { wire, told, reported, waiting, released, finish, connection };
}

function call(xid: number, procedure: number, expects?: number): Buffer {
  const args = expects === undefined ? Buffer.alloc(0) : new Out().u32(expects).bytes();
  return callBytes(xid, { program: 9, version: 1, procedure }, args);
}

describe("an RPC connection", () => {
  test("calls in one chunk are answered in one write", () => {
    const { wire, connection } = open();
    connection.data(Buffer.concat([call(1, 0), call(2, 0), call(3, 0)]));
    expect(wire.xids()).toEqual([1, 2, 3]);
    expect(wire.writes).toHaveLength(1);
  });

  test("a reply in parts leaves as one fragment in one write", async () => {
    const { wire, connection } = open();
    connection.data(call(1, 3));
    expect(wire.writes).toHaveLength(1);
    const [record = Buffer.alloc(0)] = records(wire.writes[0] ?? Buffer.alloc(0));
    const reply = parseReply(record);
    if (!("accepted" in reply)) throw new Error("denied");
    expect(reply.results.opaque().toString()).toBe("abcdefgh");
  });

  test("what is sent from where it lies is free when it has left, and not before", () => {
    const { wire, released, connection } = open();
    connection.data(Buffer.concat([call(1, 3), call(2, 0), call(3, 3)]));
    expect(wire.xids()).toEqual([1, 2, 3]);
    expect(released).toEqual([]);
    for (const sent of wire.sent) sent();
    expect(released).toEqual([1, 3]);
  });

  test("what cannot be sent any more is free at once", async () => {
    const { wire, released, connection, waiting } = open();
    connection.data(call(1, 1, 0));
    connection.closed();
    const head = successReply(1, 0, 4).full();
    waiting.get(1)?.({ head, parts: [Buffer.from("abcd")], release: () => released.push(1) });
    await expect.poll(() => released).toEqual([1]);
    expect(wire.writes).toEqual([]);
  });

  test("many replies leave in pieces of bounded size", () => {
    const { wire, connection } = open();
    const calls = Array.from({ length: 20_000 }, (_, at) => call(at, 0));
    connection.data(Buffer.concat(calls));
    expect(wire.xids()).toHaveLength(20_000);
    expect(wire.writes.length).toBeGreaterThan(1);
    for (const { length } of wire.writes) expect(length).toBeLessThan(256 * 1024 + 100);
  });

  test("answers as calls finish, not in their order", async () => {
    const { wire, connection, finish } = open();
    connection.data(Buffer.concat([call(1, 1, 0), call(2, 0), call(3, 1, 0)]));
    await finish(3);
    await finish(1);
    expect(wire.xids()).toEqual([2, 3, 1]);
  });

  test("while 64 calls wait, nothing more is read; then it goes on", async () => {
    const { wire, connection, waiting, finish } = open();
    connection.data(Buffer.concat(Array.from({ length: 70 }, (_, at) => call(at, 1, 0))));
    expect(waiting.size).toBe(64);
    expect(wire.isPaused).toBe(true);
    await finish(5);
    expect(waiting.size).toBe(64);
    for (let xid = 0; xid < 70; xid += 1) await finish(xid);
    expect(wire.isPaused).toBe(false);
    expect(wire.xids()).toHaveLength(70);
  });

  test("calls that expect large answers wait for room", async () => {
    const { wire, connection, waiting, finish } = open();
    const large = Array.from({ length: 6 }, (_, at) => call(at, 1, 1 << 20));
    connection.data(Buffer.concat(large));
    expect(waiting.size).toBe(2);
    for (let xid = 0; xid < 6; xid += 1) await finish(xid);
    expect(wire.xids()).toEqual([0, 1, 2, 3, 4, 5]);
    expect(wire.isPaused).toBe(false);
  });

  test("a client that does not take its replies is not read from until it does", () => {
    const { wire, connection } = open();
    wire.isFull = true;
    connection.data(Buffer.concat([call(1, 0), call(2, 0), call(3, 0)]));
    expect(wire.xids()).toEqual([1, 2, 3]);
    expect(wire.isPaused).toBe(true);
    connection.data(call(4, 0));
    expect(wire.xids()).toEqual([1, 2, 3]);
    wire.isFull = false;
    connection.drained();
    expect(wire.xids()).toEqual([1, 2, 3, 4]);
    expect(wire.isPaused).toBe(false);
  });

  test("a procedure that breaks is reported and answered SYSTEM_ERR; the connection goes on", () => {
    const { wire, reported, connection } = open();
    connection.data(Buffer.concat([call(1, 2), call(2, 0)]));
    const [first = Buffer.alloc(0)] = records(Buffer.concat(wire.writes));
    expect(parseReply(first)).toMatchObject({ xid: 1, accepted: 5 });
    expect(wire.xids()).toEqual([1, 2]);
    expect(reported).toHaveLength(1);
  });

  test("what is no call ends the connection and is counted", () => {
    const { wire, told, connection } = open();
    connection.data(
      Buffer.concat([call(1, 0), Buffer.from("80000004ffffffff", "hex"), call(2, 0)]),
    );
    expect(wire.isOpen).toBe(false);
    expect(told).toEqual(["malformed"]);
    expect(wire.xids()).toEqual([1]);
  });

  test("what was asked before the connection closed is not sent after", async () => {
    const { wire, connection, finish } = open();
    connection.data(call(1, 1, 0));
    connection.closed();
    await finish(1);
    connection.data(call(2, 0));
    expect(wire.writes).toEqual([]);
  });
});
