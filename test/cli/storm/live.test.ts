import { describe, expect, test } from "vitest";
import { openLive, renderLive } from "../../../src/cli/storm/live.ts";
import type { Sample } from "../../../src/storm/result.ts";

const sample: Sample = {
  at: 12.25,
  received: { http: 20e6, nfs: 5e6 },
  calls: { http: 3, nfs: 2497 },
  retransmits: 3,
  stages: { waiting: 1, kernel: 20, root: 33, up: 45 },
  failed: 1,
  serverCpu: 0.94,
  loadCpu: 0.6,
  loadBusy: 0.35,
  machineCpu: 1.7,
};
const shown = { title: "100 nodes: BIOS, tmpfs", nodes: 100 };

test("it shows time, how many are up, who is where, and what goes through", () => {
  expect(renderLive(sample, 0.25, shown)).toEqual([
    "100 nodes: BIOS, tmpfs",
    "  12.3 s  [=============                 ]  45 of 100 up, 1 failed",
    "          waiting 1 · kernel 20 · root 33",
    "          800 Mb/s · 10,000 calls/s · servers 0.9 cores · load 0.6 cores, busy 35 % · 3 sent again",
  ]);
});

test("a title cannot act on the terminal", () => {
  expect(renderLive(sample, 0.25, { ...shown, title: "a\u001b[2Jb" })[0]).toBe("a?[2Jb");
});

describe("on a terminal", () => {
  test("it draws in place, no wider than the terminal, and leaves nothing behind", () => {
    const written: string[] = [];
    const output = { isTTY: true, columns: 40, write: (text: string) => written.push(text) };
    const live = openLive(output, shown);
    live.show(sample);
    live.show({ ...sample, at: 12.5 });
    live[Symbol.dispose]();
    const [first = "", second = "", last] = written;
    for (const line of first.split("\n")) expect(line.length).toBeLessThan(40);
    expect(second.startsWith("\x1b[4A\r\x1b[J")).toBe(true);
    expect(last).toBe("\x1b[4A\r\x1b[J");
  });

  test("what is said stays", () => {
    const written: string[] = [];
    const live = openLive({ isTTY: true, write: (text: string) => written.push(text) }, shown);
    live.show(sample);
    live.say("relay: EPERM");
    live.show(sample);
    expect(written[1]).toBe("\x1b[4A\r\x1b[Jsidus: relay: EPERM\n");
    expect(written[2]?.startsWith("100 nodes")).toBe(true);
  });
});

test("elsewhere it is a line every five seconds", () => {
  const written: string[] = [];
  const live = openLive({ write: (text: string) => written.push(text) }, shown);
  for (let at = 0.25; at <= 11; at += 0.25) live.show({ ...sample, at });
  live[Symbol.dispose]();
  expect(written).toHaveLength(2);
  expect(written[0]).toMatch(
    /^5\.0 s {2}\[=+ +\] {2}45 of 100 up, 1 failed; waiting 1 · .*again\n$/,
  );
});
