import { randomBytes } from "node:crypto";
import { once } from "node:events";
import net from "node:net";
import { expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { encodePdu } from "../../src/iscsi/packet.ts";
import { Opcode } from "../../src/iscsi/pdus/header.ts";
import { type IscsiServer, serveIscsi } from "../../src/iscsi/server.ts";
import { ISCSI_LOGINS_MAX } from "../../src/limits.ts";
import { systemClock } from "../../src/net/clock.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { VirtualClock } from "../sim/clock.ts";
import { INITIATOR, loginRequest, NamedTargets, TARGET, WHO } from "./logins.ts";

/** With sockets: what connections have to do with one another. */

async function served(clock = systemClock) {
  const targets = new NamedTargets({ [TARGET]: undefined });
  const events: BootEvent[] = [];
  const server = await serveIscsi({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    targets,
    clock,
    random: randomBytes,
    tell: (event) => events.push(event),
    report: (what, error) => {
      throw new Error(what, { cause: error });
    },
  });
  return { server, targets, events };
}

async function connected(server: IscsiServer): Promise<net.Socket> {
  const socket = net.connect(server.local.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

/** Opcode and status class of the login's answer. */
async function loggedIn(socket: net.Socket): Promise<[number, number]> {
  socket.write(encodePdu(loginRequest(WHO)));
  const [bytes] = (await once(socket, "data")) as [Buffer];
  return [bytes[0] ?? 0, bytes[36] ?? 0];
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("sessions are told of while they last", async () => {
  const { server, targets, events } = await served();
  await using _ = server;
  const socket = await connected(server);
  expect(await loggedIn(socket)).toEqual([Opcode.LOGIN_RESPONSE, 0]);
  expect(server.sessions()).toMatchObject([
    { target: TARGET, initiator: INITIATOR, address: LOOPBACK_ADDRESS, commands: 0 },
  ]);
  socket.destroy();
  await until(() => targets.closed.length === 1);
  expect(server.sessions()).toEqual([]);
  expect(events.map((event) => event.kind === "session" && event.outcome)).toEqual([
    "began",
    "ended",
  ]);
});

test("five thousand half-open logins: few are kept, and a node gets in meanwhile", {
  timeout: 60_000,
}, async () => {
  const { server, targets } = await served();
  await using _ = server;
  // All that a login may send without being answered: the beginning of a request, and of its text.
  const half = encodePdu(loginRequest(WHO)).subarray(0, 100);
  const open = new Set<net.Socket>();
  for (let count = 0; count < 5000; count += 1) {
    const socket = await connected(server);
    socket.once("close", () => open.delete(socket));
    socket.resume();
    socket.write(half);
    open.add(socket);
    if (count % 1000 === 999) {
      expect(server.connections).toBeLessThanOrEqual(ISCSI_LOGINS_MAX + 10);
      const node = await connected(server);
      expect(await loggedIn(node)).toEqual([Opcode.LOGIN_RESPONSE, 0]);
      node.destroy();
    }
  }
  await until(() => open.size <= ISCSI_LOGINS_MAX);
  for (const socket of open) socket.destroy();
  await until(() => server.connections === 0);
  expect(server.sessions()).toEqual([]);
  await until(() => targets.closed.length === 5);
});

test("logins that do not go on drive out one another, and nobody else", async () => {
  const { server, events } = await served();
  await using _ = server;
  const first = await connected(server);
  expect(await loggedIn(first)).toEqual([Opcode.LOGIN_RESPONSE, 0]);
  const idle: net.Socket[] = [];
  for (let count = 0; count < ISCSI_LOGINS_MAX + 20; count += 1) idle.push(await connected(server));
  const address = LOOPBACK_ADDRESS;
  const refused = { kind: "refused", protocol: "iscsi", reason: "too many logins", address };
  await until(() => events.filter((event) => event.kind === "refused").length === 20);
  expect(events.slice(-20)).toEqual(Array.from({ length: 20 }, () => refused));
  expect(first.closed).toBe(false);
  expect(await loggedIn(await connected(server))).toEqual([Opcode.LOGIN_RESPONSE, 0]);
  for (const socket of idle) socket.destroy();
});

test("RFC 7143 §11.9: a server that ends asks for logouts, waits a moment, and ends", async () => {
  const clock = new VirtualClock();
  const { server, targets } = await served(clock);
  const [polite, silent] = [await connected(server), await connected(server)];
  const other = loginRequest(WHO, { isid: "00023d000002" });
  await loggedIn(polite);
  silent.write(encodePdu(other));
  await once(silent, "data");
  const disposed = server[Symbol.asyncDispose]();
  const [bytes] = (await once(polite, "data")) as [Buffer];
  expect([bytes[0], bytes[36]]).toEqual([Opcode.ASYNC, 1]);
  polite.end();
  await until(() => targets.closed.length === 1);
  clock.advance(2000);
  await disposed;
  expect(targets.closed).toHaveLength(2);
  expect(server.sessions()).toEqual([]);
});
