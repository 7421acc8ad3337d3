import { describe, expect, onTestFinished, test } from "vitest";
import { eventsIn } from "../../src/cli/events.ts";
import type { StatusNode } from "../../src/cli/status-answer.ts";
import { historyText } from "../../src/cli/status-history.ts";
import { renderWatch } from "../../src/cli/status-screen.ts";
import { displayOn } from "../../src/cli/status-watch.ts";
import { numberedMac } from "../dhcp/messages.ts";
import { bootEvents, watchedRoom } from "./watched.ts";

const now = Date.UTC(2026, 0, 1, 8, 0, 50);

function node(said: Partial<StatusNode>): StatusNode {
  return {
    mac: "52:54:00:00:00:01",
    name: "n1",
    known: true,
    stage: "up",
    seconds: { dhcp: 0, loader: 10, kernel: 20, up: 40 },
    beganAt: now - 50_000,
    heardAt: now - 10_000,
    lastHeardSecondsAgo: 10,
    slower: false,
    ...said,
  };
}

const usual = { of: "node", boots: 9, median: 20, p95: 22, seconds: {} } as const;
const size = {
  columns: 72,
  rows: 20,
  rates: { bytes: 94_100_000, calls: 2310, refused: 4 },
  note: "",
  now,
};
const plain = (text: string): string[] => text.replaceAll("\x1b[K", "").split("\n");

describe("the display", () => {
  test("a node a line: its stages by their letters, the mark where it usually is up; who stands still first", () => {
    const nodes = [
      node({ usual, slower: true }),
      node({
        mac: "52:54:00:00:00:02",
        name: "n2",
        stage: "loader",
        seconds: { dhcp: 0, loader: 5 },
        beganAt: now - 20_000,
        condition: "on its way",
      }),
      node({
        mac: "52:54:00:00:00:03",
        name: "n3",
        firmware: "pxe",
        stage: "dhcp",
        seconds: { dhcp: 0 },
        condition: "stuck",
        cause: "A firewall.",
      }),
    ];
    expect(plain(renderWatch(nodes, size))).toEqual(
      [
        "08:00:50   1 of 3 up   1 stand still   1 slower than usual   94.1 MB/s,",
        "dhcp 1  loader 1  kernel 0  root 0  volume 0  up 1",
        "",
        "n3                dhcp    ddddddddddddddddddddddddd             40.0 s",
        "n2                loader  dddllllllllll                         20.0 s",
        "n1                up      ddddddlllllll|kkkkkkkkkkk   40.0 s of 20.0 !",
        "",
      ].map((line) => expect.stringContaining(line.trimEnd())),
    );
  });

  test("never wider nor longer than the terminal, and no name acts upon it", () => {
    const nodes = Array.from({ length: 50 }, (_, at) =>
      node({ mac: `52:54:00:00:00:${at}`, name: `\x1b[2J\u202e\n${"x".repeat(60)}` }),
    );
    const lines = plain(renderWatch(nodes, size));
    expect(lines.length).toBeLessThanOrEqual(size.rows);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(size.columns);
    expect(lines.join("")).not.toMatch(/\p{C}/u);
    expect(lines.join("\n")).toContain("… and 35 more");
  });

  test("a running system that renewed its address for a day makes no bar, and no other's shorter", () => {
    const renewed = node({
      mac: "52:54:00:00:00:04",
      name: "n4",
      stage: "dhcp",
      seconds: { dhcp: 0 },
      beganAt: now - 86_400_000,
    });
    const text = plain(renderWatch([node({}), renewed], size)).join("\n");
    expect(text).toMatch(/^n1 +up +d{3,}l{3,}k{3,} +40\.0 s$/m);
    expect(text).toMatch(/^n4 +dhcp +0\.0 s$/m);
  });

  test("strangers that are only heard are left out", () => {
    const heard = node({
      name: undefined,
      known: false,
      stage: "heard",
      seconds: {},
      condition: "stuck",
    });
    expect(plain(renderWatch([heard], size))[0]).toContain("0 of 0 up");
  });
});

test("on a terminal: a server that was started again knows other nodes", async () => {
  let text = "";
  using shown = displayOn({
    isTTY: true,
    columns: 72,
    rows: 20,
    write: (more) => (text += more),
  });
  const tell = (said: Partial<StatusNode>) =>
    shown.take({ name: "nodes", data: JSON.stringify([node(said)]) });
  tell({ name: "old" });
  await expect.poll(() => text).toContain("old ");
  shown.lost("the server ended");
  text = "";
  tell({ mac: "52:54:00:00:00:02", name: "new" });
  await expect.poll(() => text).toContain("new ");
  expect(text).not.toContain("old ");
});

describe("lines, where there is no terminal", () => {
  function lines() {
    let text = "";
    const shown = displayOn({ write: (more) => (text += more) });
    const tell = (...nodes: StatusNode[]) =>
      shown.take({ name: "nodes", data: JSON.stringify(nodes) });
    return { shown, tell, read: () => text.split("\n").map((line) => line.replace(/^\S+Z /, "")) };
  }

  test("one for each stage from now on, and for who stands still, with why", () => {
    const { tell, read } = lines();
    const heardAt = Date.now() + 1000;
    tell(node({ heardAt: 0 }));
    tell(node({ stage: "dhcp", seconds: { dhcp: 3 }, heardAt }));
    tell(node({ stage: "dhcp", seconds: { dhcp: 3 }, heardAt: heardAt + 1 }));
    tell(
      node({
        stage: "dhcp",
        seconds: { dhcp: 3 },
        heardAt,
        condition: "stuck",
        cause: "A firewall.",
      }),
    );
    tell(node({ heardAt, usual, slower: true }));
    expect(read()).toEqual([
      "n1 reached dhcp after 3.0 s",
      "n1 stands still in stage dhcp. A firewall.",
      "n1 reached up after 40.0 s, usually 20.0 s",
      "",
    ]);
  });

  test("a name holds no line of its own", () => {
    const { tell, read } = lines();
    tell(node({ name: "x\n2026-01-01T00:00:00Z n2 reached up", heardAt: Date.now() + 1000 }));
    expect(read()).toHaveLength(2);
  });

  test("events of another kind of server are refused in one line", () => {
    const { shown } = lines();
    for (const data of ["{", "[{}]", "7"]) {
      expect(() => shown.take({ name: "nodes", data })).toThrow(/does not know/);
    }
    shown.take({ name: "news", data: "{" });
  });
});

describe("a stream of events", () => {
  const stream =
    'retry: 2000\n\nevent: a\ndata: {"x": 1}\n\n: nothing\n\nevent: b\ndata: 2\n\nevent: c\nda';

  test("is the same however it is cut", async () => {
    for (let cut = 0; cut <= stream.length; cut += 1) {
      const chunks = ReadableStream.from([stream.slice(0, cut), stream.slice(cut)]);
      expect(await Array.fromAsync(eventsIn(chunks))).toEqual([
        { name: "a", data: '{"x": 1}' },
        { name: "b", data: "2" },
      ]);
    }
  });

  test("that never ends an event is given up", async () => {
    const endless = ReadableStream.from(Array(10).fill("x".repeat(1 << 20)));
    await expect(Array.fromAsync(eventsIn(endless))).rejects.toThrow(/too long/);
  });
});

test("sidus status --history: by day and node, and of one node", async () => {
  const room = await watchedRoom(new Map([[numberedMac(1), "n1"]]));
  onTestFinished(() => room[Symbol.asyncDispose]());
  for (const event of bootEvents(1, "n1").flat()) room.watching.tell(event);
  const asked = { server: room.origin };
  const all = await historyText(undefined, asked);
  expect(all).toMatch(/^DAY +BOOTS +UP +MEDIAN +95 %\n\d{4}-\d\d-\d\d \(today\) +1 +1 +0\.0 s/);
  expect(all).toMatch(/^n1 +52:54:00:00:00:01 +1 +1 +0\.0 s/m);
  const one = await historyText("n1", asked);
  expect(one).toMatch(
    /^BEGAN +DHCP +LOADER +KERNEL +ROOT +VOLUME +UP +RUNS\n\d{4}-.* sidus, version abababababab\n$/,
  );
  expect(JSON.parse(await historyText("n1", { ...asked, json: true }))).toMatchObject({
    name: "n1",
  });
  await expect(historyText("n7", asked)).rejects.toThrow(/^n7: no node of that name/);
});
