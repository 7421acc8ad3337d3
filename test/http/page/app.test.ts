import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test } from "vitest";
import { historyShape, nodeHistoryShape } from "../../../src/cli/history-answer.ts";
import { LIVE_READERS_PER_HOST_MAX } from "../../../src/limits.ts";
import { after, type Clock, systemClock } from "../../../src/net/clock.ts";
import { bootEvents, type WatchedRoom, watchedRoom } from "../../cli/watched.ts";
import { numberedMac } from "../../dhcp/messages.ts";
import { RawStream } from "../stream.ts";

async function opened(clock?: Clock): Promise<WatchedRoom> {
  const room = await watchedRoom(new Map([[numberedMac(1), "n1"]]), clock);
  onTestFinished(() => room[Symbol.asyncDispose]());
  return room;
}

function boot(room: WatchedRoom, number: number, name?: string): void {
  for (const event of bootEvents(number, name).flat()) room.watching.tell(event);
}

const html = { headers: { accept: "text/html" } };

/** An event stream, as far as it is read. */
async function follow(room: WatchedRoom): Promise<RawStream> {
  const stream = await RawStream.open(room.port);
  onTestFinished(() => stream[Symbol.asyncDispose]());
  stream.send("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
  return stream;
}

describe("the page", () => {
  test("is HTML, a script and a style, and nothing of elsewhere", async () => {
    const { origin } = await opened();
    const page = await fetch(`${origin}/`, html);
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const text = await page.text();
    const asked = [...text.matchAll(/(?:src|href)="([^"#]+)"/g)].map((found) => found[1] ?? "");
    expect(asked).toHaveLength(6);
    for (const path of asked) {
      expect(path).toMatch(/^\//);
      const answer = await fetch(`${origin}${path}`);
      expect(answer.status, path).toBe(200);
      await answer.body?.cancel();
    }
    expect(text).not.toMatch(/<script(?! type="module" src)|<style|\son\w+=|style=/);
    expect((await fetch(`${origin}/page/page.js`)).headers.get("content-type")).toMatch(
      /javascript/,
    );
  });

  test("has all that its scripts import", async () => {
    const { origin } = await opened();
    const asked = new Set(["/page/page.js"]);
    for (const path of asked) {
      const answer = await fetch(`${origin}${path}`);
      expect(answer.status, path).toBe(200);
      expect(answer.headers.get("content-type"), path).toMatch(/javascript/);
      const imports = (await answer.text()).matchAll(/ from "(.+)";$/gm);
      for (const [, name = ""] of imports) asked.add(new URL(name, `${origin}${path}`).pathname);
    }
    expect(asked.size).toBeGreaterThan(1);
  });

  test("lets the browser run nothing but its own files, in nobody's frame", async () => {
    const { origin } = await opened();
    for (const path of ["/", "/page/page.js", "/metrics", "/history.json"]) {
      const { headers } = await fetch(`${origin}${path}`, html);
      const policy = headers.get("content-security-policy") ?? "";
      expect(policy).toContain("default-src 'none'");
      expect(policy).toContain("script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toMatch(/unsafe|\*|http/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  test("is not sent again where the browser has it", async () => {
    const { origin } = await opened();
    const tag = (await fetch(`${origin}/page/page.css`)).headers.get("etag") ?? "";
    const again = await fetch(`${origin}/page/page.css`, { headers: { "if-none-match": tag } });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("firmware and loaders that ask for / get what they always got, on the same connection", async () => {
    const room = await opened();
    const stream = await RawStream.open(room.port);
    onTestFinished(() => stream[Symbol.asyncDispose]());
    stream.send(
      "GET / HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
    );
    stream.send("GET /vmlinuz HTTP/1.1\r\nHost: x\r\n\r\n");
    const seen = await stream.until((bytes) => bytes.toString().split("not found\n").length > 2);
    const codes = [...seen.toString("latin1").matchAll(/^HTTP\/1.1 (\d+) /gm)].map(
      ([, code]) => code,
    );
    expect(codes).toEqual(["404", "200", "404"]);
    expect(seen.toString()).toContain("sidus_nodes{");
  });

  test("changes nothing: other methods are refused", async () => {
    const { origin } = await opened();
    for (const path of ["/", "/events", "/metrics", "/history.json", "/page/page.js"]) {
      const { status } = await fetch(`${origin}${path}`, { method: "POST", body: "x", ...html });
      expect(status).toBe(405);
    }
    expect((await fetch(`${origin}/events`, { method: "HEAD" })).status).toBe(404);
    expect((await fetch(`${origin}/metrics`, { method: "HEAD" })).status).toBe(200);
  });
});

test("metrics that are asked for again and again are made seldom", async () => {
  let skewMs = 0;
  const room = await opened({
    ...systemClock,
    // Whatever is done takes a second.
    now() {
      skewMs += 1000;
      return after(systemClock.now(), skewMs);
    },
  });
  const metrics = async () => (await fetch(`${room.origin}/metrics`)).text();
  const first = await metrics();
  expect(await metrics()).toBe(first);
  skewMs += 60_000;
  expect(await metrics()).not.toBe(first);
});

describe("history", () => {
  test("of all nodes by day and node, and of one", async () => {
    let skewMs = 0;
    const room = await opened({
      ...systemClock,
      now: () => after(systemClock.now(), skewMs),
      epochMs: () => systemClock.epochMs() + skewMs,
    });
    for (const number of [1, 1, 1, 2]) {
      boot(room, number, number === 1 ? "n1" : undefined);
      // What is told in one turn has one time.
      await setImmediate();
      skewMs += 1000;
    }
    const all = historyShape.parse(await (await fetch(`${room.origin}/history.json`)).json());
    expect(all.days).toMatchObject([{ today: true, boots: 4, up: 4 }]);
    expect(all.nodes).toMatchObject([
      { mac: "52:54:00:00:00:02", boots: 1 },
      { mac: "52:54:00:00:00:01", name: "n1", boots: 3, up: 3 },
    ]);
    const answer = await fetch(`${room.origin}/history.json?mac=52:54:00:00:00:01`);
    const one = nodeHistoryShape.parse(await answer.json());
    expect(one).toMatchObject({ mac: "52:54:00:00:00:01", name: "n1" });
    expect(one.boots).toHaveLength(3);
    expect(Object.keys(one.boots[0]?.seconds ?? {})).toEqual([
      "dhcp",
      "loader",
      "kernel",
      "root",
      "volume",
      "up",
    ]);
  });

  test.each(["?mac=", "?mac=nonsense", "?mac=1&mac=2", "?mac=52:54:00:00:00:01:02"])(
    "%s is no node",
    async (query) => {
      const { origin, reports } = await opened();
      const answer = await fetch(`${origin}/history.json${query}`);
      expect([answer.status, await answer.text()]).toEqual([400, "mac: expected a MAC address\n"]);
      expect(reports).toEqual([]);
    },
  );
});

describe("events", () => {
  test("tell all nodes, then what changes, hostile names as JSON", async () => {
    const room = await opened();
    boot(room, 1, "n1");
    const stream = await follow(room);
    const first = await stream.until((bytes) => bytes.includes("event: totals"));
    expect(first.toString()).toMatch(/Content-Type: text\/event-stream/i);
    expect(first.toString()).toContain(
      'event: nodes\ndata: [{"mac":"52:54:00:00:00:01","name":"n1"',
    );
    const hostile = "\n\nevent: totals\ndata: {}\u2028</script><img src=x onerror=alert(1)>";
    boot(room, 2, hostile);
    const second = await stream.until((bytes) => bytes.includes("52:54:00:00:00:02"));
    const line = second
      .toString()
      .split("\n")
      .find((text) => text.includes("52:54:00:00:00:02"));
    const [node] = JSON.parse(/^data: (.*)$/s.exec(line ?? "")?.[1] ?? "");
    expect(node).toMatchObject({ mac: "52:54:00:00:00:02", name: hostile, stage: "up" });
  });

  test("more readers than there may be are told to come later, and counted; who leaves makes room", async () => {
    const room = await opened();
    const streams: RawStream[] = [];
    for (let reader = 0; reader < LIVE_READERS_PER_HOST_MAX; reader += 1) {
      const stream = await follow(room);
      await stream.until((bytes) => bytes.includes("event: totals"));
      streams.push(stream);
    }
    const refused = await fetch(`${room.origin}/events`);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "10"]);
    await refused.text();
    expect(room.watching.refusals.counts()).toMatchObject({ http: { readers: 1 } });
    streams[0]?.destroy();
    await expect
      .poll(async () => {
        const answer = await fetch(`${room.origin}/events`);
        await answer.body?.cancel();
        return answer.status;
      })
      .toBe(200);
  });

  test("a reader that stops reading costs the others nothing, and the server no memory", async () => {
    const room = await opened();
    for (let number = 1; number <= 1000; number += 1)
      boot(room, number, `n${number}`.padEnd(60, "x"));
    const slow = await follow(room);
    slow.stopReading();
    const quick = await follow(room);
    await quick.until((bytes) => bytes.includes("52:54:00:00:03:e8"));
    boot(room, 3001, "late");
    await quick.until((bytes) => bytes.includes("52:54:00:00:0b:b9"));
    expect(room.reports).toEqual([]);
  });

  test("end with the server", async () => {
    const room = await watchedRoom();
    const stream = await follow(room);
    await stream.until((bytes) => bytes.includes("event: totals"));
    await room[Symbol.asyncDispose]();
    await stream.end();
    expect(stream.ended).toBe(true);
  });
});
