import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import type { TcpListener } from "../../../src/net/tcp.ts";
import { servePortmap } from "../../../src/rpc/portmap/server.ts";
import type { BootEvent } from "../../../src/watch/events.ts";
import { type CallHead, callBytes, Out, parseReply, RpcTestClient } from "../../nfs/client.ts";
import { listOf, rpcb } from "./asking.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const refused: string[] = [];
const told: BootEvent[] = [];
let server: TcpListener;
let socket: dgram.Socket;

beforeAll(async () => {
  server = cleanup.use(
    await servePortmap({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      mappings: () => [{ program: 100_003, version: 3, port: 2049 }],
      clock: systemClock,
      tell(event) {
        if (event.kind === "refused") refused.push(event.reason);
        else told.push(event);
      },
      report: (_, error) => {
        throw error;
      },
    }),
  );
  socket = dgram.createSocket("udp4");
  cleanup.defer(() => void socket.close());
  socket.connect(server.local.port, "127.0.0.1");
  await once(socket, "connect");
});

const head = { program: 100_000, caller: "nobody" } as const;
const null2: CallHead = { ...head, version: 2, procedure: 0 };

function datagram(xid: number, call: CallHead, args = new Out()): Buffer {
  return callBytes(xid, call, args.bytes()).subarray(4);
}

/** The next that arrives. Nothing is sent again: the loopback loses nothing. */
async function ask(bytes: Uint8Array): Promise<Buffer> {
  const arrived = once(socket, "message");
  socket.send(bytes);
  const [reply] = (await arrived) as [Buffer];
  return reply;
}

async function resultsOf(call: CallHead, args = new Out()) {
  const reply = parseReply(await ask(datagram(7, call, args)));
  expect(reply.xid).toBe(7);
  if (!("accepted" in reply) || reply.accepted !== 0) throw new Error("not accepted");
  return reply.results;
}

describe("the portmapper by UDP", () => {
  test("a datagram is a message, without a record mark", async () => {
    const reply = await ask(datagram(0x0102_0304, null2));
    expect(reply.toString("hex")).toBe("010203040000000100000000000000000000000000000000");
  });

  test("versions 2, 3 and 4 at one port; NFS is at TCP alone", async () => {
    const getport = { ...head, version: 2, procedure: 3 };
    const asked = (protocol: number) => new Out().u32(100_003).u32(3).u32(protocol).u32(0);
    expect((await resultsOf(getport, asked(6))).u32()).toBe(2049);
    expect((await resultsOf(getport, asked(17))).u32()).toBe(0);
    const asking = { kind: "portmap", address: LOOPBACK_ADDRESS, program: 100_003 };
    expect(told).toEqual([
      { ...asking, port: 2049 },
      { ...asking, port: 0 },
    ]);
    for (const version of [3, 4]) {
      const getaddr = { ...head, version, procedure: 3 };
      expect((await resultsOf(getaddr, rpcb(100_003, 3, "udp"))).text()).toBe("");
    }
    const { port } = server.local;
    const own = (await resultsOf({ ...head, version: 4, procedure: 3 }, rpcb(100_000, 4))).text();
    expect(own).toBe(`127.0.0.1.${port >> 8}.${port & 255}`);
  });

  test("the longest answer, DUMP, fits a frame", async () => {
    const reply = await ask(datagram(1, { ...head, version: 4, procedure: 4 }));
    expect(reply.length).toBeLessThan(600);
    const parsed = parseReply(reply);
    if (!("accepted" in parsed)) throw new Error("denied");
    const items = listOf(parsed.results, (item) => [
      item.u32(),
      item.u32(),
      item.text(),
      item.text(),
      item.text(),
    ]);
    expect(items).toHaveLength(7);
  });

  test("denials and failures are answered, in no more bytes than they were asked with", async () => {
    const wrong = datagram(1, { ...head, version: 9, procedure: 0 });
    const mismatch = await ask(wrong);
    expect(parseReply(mismatch)).toMatchObject({ accepted: 2 });
    expect(mismatch.length).toBeLessThanOrEqual(wrong.length);
    const callit = datagram(1, { ...head, version: 2, procedure: 5 });
    const unavailable = await ask(callit);
    expect(parseReply(unavailable)).toMatchObject({ accepted: 3 });
    expect(unavailable.length).toBeLessThanOrEqual(callit.length);
    const old = datagram(1, null2);
    old.writeUInt32BE(1, 8);
    expect(parseReply(await ask(old))).toMatchObject({ denied: 0 });
  });

  test("what is no call gets no answer: a reply, too short, empty, or longer than a frame", async () => {
    refused.length = 0;
    const reply = datagram(1, null2);
    reply.writeUInt32BE(1, 4);
    const long = Buffer.concat([datagram(2, null2), Buffer.alloc(1500)]);
    for (const bytes of [reply, reply.subarray(0, 11), Buffer.alloc(0), long]) socket.send(bytes);
    // Datagrams on the loopback keep their order: the first that is answered is this one.
    expect((await ask(datagram(99, null2))).readUInt32BE(0)).toBe(99);
    expect(refused).toEqual(["malformed", "malformed", "malformed", "datagram-too-long"]);
  });
});

describe("the portmapper by TCP", () => {
  test("the same, and where NFS is", async () => {
    await using client = await RpcTestClient.connect(server.local.port);
    for (const version of [3, 4]) {
      const call = { ...head, version, procedure: 3 };
      expect((await client.results(call, rpcb(100_003, 3).bytes())).text()).toBe("127.0.0.1.8.1");
    }
  });

  test("disposed of, both ports are free", async () => {
    const { port } = server.local;
    await server[Symbol.asyncDispose]();
    await using again = await servePortmap({
      local: { address: LOOPBACK_ADDRESS, port },
      mappings: () => [],
      clock: systemClock,
      tell: () => {},
      report: () => {},
    });
    expect(again.local.port).toBe(port);
    const stranger = net.connect(port, "127.0.0.1");
    await once(stranger, "connect");
    await expect.poll(() => again.connections).toBe(1);
    stranger.destroy();
  });
});
