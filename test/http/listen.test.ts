import { expect, onTestFinished, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { type HttpOptions, listenHttp } from "../../src/net/http.ts";
import { RawStream } from "./stream.ts";

/** The bounds of a listener, made small enough to run into. */

async function listen(bounds: Partial<HttpOptions>): Promise<{ port: number; refusals: string[] }> {
  const refusals: string[] = [];
  const server = await listenHttp({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    async handle(_, response) {
      response.head(200, { "Content-Length": 2 });
      response.end("ok");
    },
    refused: (reason) => refusals.push(reason),
    report: (what, error) => expect.fail(`${what}: ${error}`),
    connectionsMax: 10,
    headerBytesMax: 8192,
    pipelineMax: 4,
    headersMs: 10_000,
    requestMs: 10_000,
    keepAliveMs: 10_000,
    idleMs: 10_000,
    ...bounds,
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  return { port: server.local.port, refusals };
}

const request = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

test("headers that drip in are cut off in time: 408", async () => {
  const { port, refusals } = await listen({ headersMs: 300, requestMs: 300 });
  await using stream = await RawStream.open(port);
  const dripping = setInterval(() => stream.send("X: y\r\n"), 50);
  stream.send("GET / HTTP/1.1\r\nHost: x\r\n");
  const said = await stream.end();
  clearInterval(dripping);
  expect(said.toString()).toMatch(/^HTTP\/1.1 408 Request Timeout\r\n/);
  expect(refusals).toEqual(["too slow"]);
});

test("a connection on which nothing moves is ended: silent, between requests, or not read from", async () => {
  const body = new Uint8Array(16 << 20);
  const { port } = await listen({
    idleMs: 300,
    keepAliveMs: 200,
    async handle(_, response) {
      response.head(200, { "Content-Length": body.length });
      await response.write(body);
      response.end();
    },
  });
  await using silent = await RawStream.open(port);
  await using stuck = await RawStream.open(port);
  stuck.stopReading();
  stuck.send(request);
  await using kept = await RawStream.open(port);
  kept.send(request);
  expect((await silent.end()).length).toBe(0);
  expect((await kept.end()).length).toBeGreaterThan(body.length);
  // A paused socket learns of the end when it reads again.
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect((await stuck.resumeAndEnd()).length).toBeLessThan(body.length);
});

test("connections are bounded, and those beyond it counted", async () => {
  const { port, refusals } = await listen({ connectionsMax: 2 });
  await using one = await RawStream.open(port);
  await using two = await RawStream.open(port);
  one.send(request);
  two.send(request);
  await one.reply();
  await two.reply();
  await using three = await RawStream.open(port);
  expect((await three.end()).length).toBe(0);
  expect(refusals).toEqual(["too many connections"]);
  one.send(request);
  expect((await one.reply()).body.toString()).toBe("ok");
});

test("connections of one address are bounded, so that others find room, and are let in again when some have ended", async () => {
  const { port, refusals } = await listen({ connectionsPerHostMax: 1 });
  const said = async (from?: string): Promise<string> => {
    try {
      await using stream = await RawStream.open(port, from);
      stream.send(request);
      return (await stream.reply()).body.toString();
    } catch {
      return "reset";
    }
  };
  const one = await RawStream.open(port);
  one.send(request);
  await one.reply();
  expect(await said()).not.toBe("ok");
  expect(refusals).toEqual(["too many connections"]);
  expect(await said("127.0.0.2")).toBe("ok");
  await one[Symbol.asyncDispose]();
  await expect.poll(() => said()).toBe("ok");
});

test("a handler that fails within a reply ends the connection", async () => {
  const reports: string[] = [];
  const { port, refusals } = await listen({
    async handle(_, response) {
      response.head(200, { "Content-Length": 100 });
      await response.write(Buffer.from("some"));
      throw new Error("broken");
    },
    report: (what, error) => reports.push(`${what}: ${error}`),
  });
  await using stream = await RawStream.open(port);
  stream.send(request);
  expect((await stream.end()).toString()).toMatch(/\r\n\r\nsome$/);
  expect(reports).toEqual(["HTTP GET /: Error: broken"]);
  expect(refusals).toEqual(["server error"]);
});
