import { existsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type LocalHandler, localSockets } from "../../src/net/local.ts";
import { directoryOf } from "../sidus.ts";

/** Answers each line with `you said …`. */
async function echo(path: string, connectionsMax = 10) {
  const heard: string[] = [];
  let closed = 0;
  const listener = await localSockets.listen({
    path,
    connectionsMax,
    lineBytesMax: 100,
    accept: (connection) => ({
      line(text) {
        heard.push(text);
        connection.send(`you said ${text}`);
      },
      closed() {
        closed += 1;
      },
    }),
  });
  return { listener, heard, closed: () => closed };
}

function collecting() {
  const lines: string[] = [];
  let isClosed = false;
  const handler: LocalHandler = {
    line: (text) => void lines.push(text),
    closed() {
      isClosed = true;
    },
  };
  return { lines, handler, isClosed: () => isClosed };
}

test("lines go both ways, whole, however they are cut", async () => {
  const path = join(directoryOf({}), "socket");
  const { listener } = await echo(path);
  const { lines, handler } = collecting();
  const connection = await localSockets.connect(path, 1000, handler);
  connection?.send("one");
  connection?.send("two\nthree");
  connection?.send("");
  await expect
    .poll(() => lines)
    .toEqual(["you said one", "you said two", "you said three", "you said "]);
  await listener[Symbol.asyncDispose]();
});

test("only its owner may open it", async () => {
  const path = join(directoryOf({}), "socket");
  const { listener } = await echo(path);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  await listener[Symbol.asyncDispose]();
  expect(existsSync(path)).toBe(false);
});

test("nobody there: no socket, or one that nobody listens at any more", async () => {
  const path = join(directoryOf({}), "socket");
  expect(await localSockets.connect(path, 100, collecting().handler)).toBeUndefined();
  writeFileSync(path, "");
  expect(await localSockets.connect(path, 100, collecting().handler)).toBeUndefined();
  const { listener } = await echo(path);
  expect(await localSockets.connect(path, 100, collecting().handler)).toBeDefined();
  await listener[Symbol.asyncDispose]();
});

test("whoever sends too long a line is cut off, with or without its end; others are not", async () => {
  const path = join(directoryOf({}), "socket");
  const { listener, heard, closed } = await echo(path);
  const other = collecting();
  const kept = await localSockets.connect(path, 1000, other.handler);
  for (const line of ["x".repeat(101), "x".repeat(1 << 20)]) {
    const one = collecting();
    const connection = await localSockets.connect(path, 1000, one.handler);
    connection?.send(line);
    await expect.poll(one.isClosed).toBe(true);
  }
  kept?.send("still here");
  await expect.poll(() => other.lines).toEqual(["you said still here"]);
  expect(heard).toEqual(["still here"]);
  expect(closed()).toBe(2);
  await listener[Symbol.asyncDispose]();
  await expect.poll(other.isClosed).toBe(true);
});

test("more than so many at once are cut off", async () => {
  const path = join(directoryOf({}), "socket");
  const { listener } = await echo(path, 1);
  const [first, second] = [collecting(), collecting()];
  const kept = await localSockets.connect(path, 100, first.handler);
  await localSockets.connect(path, 100, second.handler);
  await expect.poll(second.isClosed).toBe(true);
  kept?.send("a");
  await expect.poll(() => first.lines).toEqual(["you said a"]);
  await listener[Symbol.asyncDispose]();
});

test("a path that is too long for a socket is said so, in one line", async () => {
  const path = join("/tmp", "x".repeat(104));
  await expect(echo(path)).rejects.toThrow(/too long a path for a socket: choose a directory/);
  await expect(localSockets.connect(path, 1, collecting().handler)).rejects.toThrow("too long");
});
