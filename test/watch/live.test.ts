import { describe, expect, test } from "vitest";
import { type Ipv4, ipv4 } from "../../src/bytes/ipv4.ts";
import type { MacAddress } from "../../src/bytes/mac.ts";
import {
  LIVE_JUDGED_EVERY_MS,
  LIVE_NODES_A_TURN,
  LIVE_READERS_MAX,
  LIVE_READERS_PER_HOST_MAX,
  LIVE_STALLED_MS,
  LIVE_TOLD_EVERY_MS,
  LIVE_TOTALS_EVERY_MS,
  LIVE_UNTOLD_MAX,
} from "../../src/limits.ts";
import { type Judgement, Live, type LiveReader } from "../../src/watch/live.ts";
import { Timeline } from "../../src/watch/timeline.ts";
import { numberedMac } from "../dhcp/messages.ts";
import { VirtualClock } from "../sim/clock.ts";
import { dhcp } from "./replay.ts";

interface Told {
  readonly name: string;
  readonly data: unknown;
}

class Reader implements LiveReader {
  readonly address: Ipv4;
  readonly texts: string[] = [];
  isSlow = false;
  hasEnded = false;

  constructor(address = 1) {
    this.address = ipv4(address);
  }

  send(text: string): boolean {
    this.texts.push(text);
    return !this.isSlow;
  }

  end(): void {
    this.hasEnded = true;
  }

  take(): Told[] {
    return this.texts.splice(0).map((text) => {
      const [, name = "", data = ""] = /^event: (\w+)\ndata: (.*)\n\n$/.exec(text) ?? [];
      return { name, data: JSON.parse(data) };
    });
  }

  /** MAC addresses of the nodes that it was told of, in order. */
  nodes(): string[] {
    return this.take()
      .filter(({ name }) => name === "nodes")
      .flatMap(({ data }) => (data as { mac: string }[]).map(({ mac }) => mac));
  }
}

function room(nodes = 0) {
  const clock = new VirtualClock();
  const timeline = new Timeline(
    clock,
    () => {},
    () => undefined,
  );
  const judged = new Map<MacAddress, Judgement["condition"]>();
  let explained = 0;
  const live = new Live({
    clock,
    boots: () => timeline.boots(),
    boot: (mac) => timeline.boot(mac),
    explain({ mac }) {
      explained += 1;
      return { condition: judged.get(mac) ?? "on its way", cause: "c", advice: undefined };
    },
    isSlower: () => false,
    shown: ({ mac, stage }, judgement) => ({ mac, stage, condition: judgement?.condition }),
    totals: () => ({ now: clock.now() }),
  });
  const see = (number: number): void => {
    const boot = timeline.tell({
      ...dhcp("pxe", "REQUEST"),
      mac: numberedMac(number),
      address: ipv4(number),
    });
    if (boot !== undefined) live.touch(boot.mac);
  };
  for (let number = 1; number <= nodes; number += 1) see(number);
  return { clock, live, timeline, judged, see, explained: () => explained };
}

describe("who follows", () => {
  test("is told of all nodes at once, then of those that change, and of totals every second", () => {
    const { clock, live, see } = room(3);
    const reader = new Reader();
    live.follow(reader);
    clock.advance(0);
    const [first, totals, ...rest] = reader.take();
    expect(first?.name).toBe("nodes");
    expect(first?.data).toHaveLength(3);
    expect(totals).toEqual({ name: "totals", data: { now: 0 } });
    expect(rest).toEqual([]);
    expect(first?.data).toContainEqual({
      mac: numberedMac(2),
      stage: "dhcp",
      condition: "on its way",
    });
    see(2);
    see(2);
    clock.advance(LIVE_TOLD_EVERY_MS);
    expect(reader.nodes()).toEqual([numberedMac(2)]);
    clock.advance(10 * LIVE_TOTALS_EVERY_MS);
    expect(reader.take().map(({ name }) => name)).toEqual(Array(10).fill("totals"));
  });

  test("of thousands, some at a time", () => {
    const { clock, live } = room(2 * LIVE_NODES_A_TURN + 1);
    const reader = new Reader();
    live.follow(reader);
    clock.advance(0);
    expect(reader.nodes()).toHaveLength(LIVE_NODES_A_TURN);
    clock.advance(2 * LIVE_TOLD_EVERY_MS);
    expect(new Set(reader.nodes()).size).toBe(LIVE_NODES_A_TURN + 1);
  });

  test("learns who stands still, though the node says nothing", () => {
    const { clock, live, judged } = room(2);
    const reader = new Reader();
    live.follow(reader);
    clock.advance(1000);
    reader.take();
    judged.set(numberedMac(1), "stuck");
    clock.advance(LIVE_JUDGED_EVERY_MS);
    const nodes = reader.take().filter(({ name }) => name === "nodes");
    expect(nodes).toEqual([
      { name: "nodes", data: [{ mac: numberedMac(1), stage: "dhcp", condition: "stuck" }] },
    ]);
  });
});

test("one that stood still and goes on is told as going on", () => {
  const { clock, live, judged, see } = room(60);
  const reader = new Reader();
  live.follow(reader);
  judged.set(numberedMac(7), "stuck");
  // Between two rounds.
  clock.advance(7000);
  expect(JSON.stringify(reader.take())).toContain('"stuck"');
  judged.delete(numberedMac(7));
  see(7);
  clock.advance(LIVE_TOLD_EVERY_MS);
  const [nodes] = reader.take();
  expect(nodes?.data).toEqual([{ mac: numberedMac(7), stage: "dhcp", condition: "on its way" }]);
});

test("each that is not up is looked at every three seconds, and no sooner", () => {
  const { clock, live, explained } = room(60);
  live.follow(new Reader());
  clock.advance(2999);
  expect(explained()).toBe(60);
  clock.advance(3000);
  expect(explained()).toBe(120);
});

test("who is heard all the time is looked at every fifteen", () => {
  const { clock, live, see, explained } = room(1);
  live.follow(new Reader());
  const talk = (seconds: number): void => {
    for (let heard = 0; heard < seconds * 2; heard += 1) {
      see(1);
      clock.advance(500);
    }
  };
  talk(14);
  expect(explained()).toBe(1);
  talk(4);
  expect(explained()).toBe(2);
  clock.advance(3000);
  expect(explained()).toBe(3);
});

test("what kept a boot is not said of the next one, before that is looked at", () => {
  const { clock, live, judged, see, timeline } = room(200);
  const reader = new Reader();
  live.follow(reader);
  judged.set(numberedMac(1), "stuck");
  clock.advance(10_000);
  expect(JSON.stringify(reader.take())).toContain('"stuck"');
  judged.delete(numberedMac(1));
  const path = "x";
  const missing = { protocol: "tftp", path, outcome: "missing", bytes: 0 } as const;
  timeline.tell({ kind: "file", address: ipv4(1), ...missing });
  timeline.tell({ ...dhcp("pxe", "DISCOVER"), mac: numberedMac(1) });
  see(1);
  clock.advance(LIVE_TOLD_EVERY_MS);
  const [nodes] = reader.take();
  expect(nodes?.data).toMatchObject([{ mac: numberedMac(1), stage: "dhcp" }]);
  expect(JSON.stringify(nodes)).not.toContain("stuck");
});

describe("readers that are slow, many or gone", () => {
  test("a slow one is told nothing more until it took what it has; then each change once, as it is by then", () => {
    const { clock, live, see } = room(5);
    const reader = new Reader();
    reader.isSlow = true;
    const following = live.follow(reader);
    clock.advance(0);
    expect(reader.texts).toHaveLength(1);
    for (let round = 0; round < 20; round += 1) {
      see(1);
      clock.advance(LIVE_TOLD_EVERY_MS);
    }
    expect(reader.texts).toHaveLength(1);
    reader.isSlow = false;
    reader.take();
    following?.drained();
    clock.advance(LIVE_TOLD_EVERY_MS);
    expect(reader.nodes().filter((mac) => mac === numberedMac(1))).toHaveLength(1);
  });

  test("one that takes nothing is dropped, and the others are not", () => {
    const { clock, live } = room(1);
    const [slow, quick] = [new Reader(), new Reader()];
    slow.isSlow = true;
    live.follow(slow);
    live.follow(quick);
    clock.advance(LIVE_STALLED_MS + LIVE_TOLD_EVERY_MS);
    expect([slow.hasEnded, quick.hasEnded, live.readers]).toEqual([true, false, 1]);
  });

  test("one that takes nothing in a flood of invented nodes is dropped sooner", () => {
    const { clock, live, see } = room(1);
    const slow = new Reader();
    slow.isSlow = true;
    live.follow(slow);
    clock.advance(0);
    for (let number = 2; number < LIVE_UNTOLD_MAX + 10; number += 1) see(number);
    clock.advance(LIVE_TOLD_EVERY_MS);
    expect([slow.hasEnded, live.readers]).toEqual([true, 0]);
  });

  test("more than there may be are turned away: of one host, and of all", () => {
    const { live } = room();
    const join = (host: number) => live.follow(new Reader(host));
    const ofOne = Array.from({ length: LIVE_READERS_PER_HOST_MAX + 1 }, () => join(1));
    expect(ofOne.map((one) => one !== undefined)).toEqual([
      ...Array(LIVE_READERS_PER_HOST_MAX).fill(true),
      false,
    ]);
    for (let host = 2; live.readers < LIVE_READERS_MAX; host += 1) join(host);
    expect(join(999)).toBeUndefined();
    ofOne[0]?.left();
    expect(join(999)).toBeDefined();
  });

  test("who comes and goes again and again causes no more work than who stays", () => {
    const { clock, live, explained } = room(100);
    const visit = (): void => {
      const following = live.follow(new Reader());
      clock.advance(0);
      following?.left();
    };
    visit();
    const once = explained();
    for (let times = 0; times < 20; times += 1) visit();
    expect(explained()).toBe(once);
    live.follow(new Reader());
    clock.advance(LIVE_TOLD_EVERY_MS);
    expect(explained()).toBeGreaterThan(once);
  });

  test("without readers nothing is done", () => {
    const { clock, live, see, explained } = room(3);
    const following = live.follow(new Reader());
    clock.advance(1000);
    following?.left();
    const before = explained();
    see(1);
    expect(clock.next()).toBeUndefined();
    expect(explained()).toBe(before);
  });

  test("the end of the room ends them", () => {
    const { clock, live } = room();
    const reader = new Reader();
    live.follow(reader);
    live[Symbol.dispose]();
    expect([reader.hasEnded, clock.next()]).toEqual([true, undefined]);
  });
});
