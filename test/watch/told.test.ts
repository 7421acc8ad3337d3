import { describe, expect, test } from "vitest";
import { ipv4 } from "../../src/bytes/ipv4.ts";
import { TOLD_TOGETHER_MAX } from "../../src/limits.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { Told } from "../../src/watch/told.ts";
import { VirtualClock } from "../sim/clock.ts";
import { macOf } from "./replay.ts";

type FileEvent = Extract<BootEvent, { kind: "file" }>;

/** What it was told as. */
function wordOf(event: BootEvent): string | undefined {
  if (event.kind === "file") return `${event.path} ${event.outcome}`;
  return event.kind === "refused" ? event.reason : undefined;
}

function queue() {
  const clock = new VirtualClock();
  const followed: (string | undefined)[] = [];
  const times: number[] = [];
  const reports: string[] = [];
  const soon: (() => void)[] = [];
  const told = new Told({
    follow(event, now) {
      times.push(now);
      clock.advance(1);
      const reason = wordOf(event);
      if (reason === "bad") throw new Error("disk I/O error");
      followed.push(reason);
      if (reason === "first") tell("within");
    },
    soon: (run) => void soon.push(run),
    now: () => clock.now(),
    report: (what, error) => void reports.push(`${what}: ${error}`),
  });
  const tell = (reason: string): void => {
    const event: BootEvent = {
      kind: "refused",
      protocol: "http",
      reason,
      mac: macOf("52:54:00:77:00:01"),
    };
    told.tell(event);
  };
  const tellFile = (path: string, outcome: FileEvent["outcome"], from = 1): void =>
    told.tell({ kind: "file", protocol: "http", address: ipv4(from), path, outcome, bytes: 0 });
  const turn = (): void => {
    for (const run of soon.splice(0)) run();
  };
  return { followed, times, reports, soon, told, tell, tellFile, turn };
}

test("events of a turn are followed in their order, at its end, once", () => {
  const { followed, soon, tell, turn } = queue();
  for (const reason of ["a", "b", "c"]) tell(reason);
  expect([followed, soon.length]).toEqual([[], 1]);
  turn();
  expect(followed).toEqual(["a", "b", "c"]);
  tell("d");
  turn();
  turn();
  expect(followed).toEqual(["a", "b", "c", "d"]);
});

test("they have one time", () => {
  const { times, tell, turn } = queue();
  for (const reason of ["a", "b"]) tell(reason);
  turn();
  tell("c");
  turn();
  expect(times).toEqual([0, 0, 2]);
});

describe("a file", () => {
  test("that is sent at once is told of once", () => {
    const { followed, tell, tellFile, turn } = queue();
    for (const path of ["x", "y", "x"]) {
      tellFile(path, "started");
      tellFile(path, "done");
    }
    tell("a");
    turn();
    expect(followed).toEqual(["x done", "y done", "x done", "a"]);
  });

  test("that breaks off at once was asked for", () => {
    const { followed, tellFile, turn } = queue();
    tellFile("x", "started");
    tellFile("x", "aborted");
    turn();
    expect(followed).toEqual(["x started", "x aborted"]);
  });

  test("that takes longer is told of twice", () => {
    const { followed, tellFile, turn } = queue();
    tellFile("x", "started");
    turn();
    tellFile("x", "done");
    turn();
    expect(followed).toEqual(["x started", "x done"]);
  });

  test("of which another was asked for meanwhile is told of twice", () => {
    const { followed, tellFile, turn } = queue();
    tellFile("x", "started");
    tellFile("y", "started");
    tellFile("x", "done");
    tellFile("y", "missing");
    tellFile("z", "started", 1);
    tellFile("z", "done", 2);
    turn();
    const all = ["x started", "y started", "x done", "y missing", "z started", "z done"];
    expect(followed).toEqual(all);
  });
});

test("who asks hears of all that was told, and nothing is followed twice", () => {
  const { followed, told, tell, turn } = queue();
  tell("first");
  told.follow();
  told.follow();
  turn();
  expect(followed).toEqual(["first", "within"]);
});

test("an event that cannot be followed is reported, and the others are followed", () => {
  const { followed, reports, tell, turn } = queue();
  for (const reason of ["a", "bad", "b"]) tell(reason);
  turn();
  expect(followed).toEqual(["a", "b"]);
  expect(reports).toEqual(["an event of a node: Error: disk I/O error"]);
});

test("no more wait than the bound says", () => {
  const { followed, tell } = queue();
  for (let count = 1; count < TOLD_TOGETHER_MAX; count += 1) tell("x");
  expect(followed).toHaveLength(0);
  tell("x");
  expect(followed).toHaveLength(TOLD_TOGETHER_MAX);
});
