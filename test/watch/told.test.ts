import { expect, test } from "vitest";
import { TOLD_TOGETHER_MAX } from "../../src/limits.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { Told } from "../../src/watch/told.ts";
import { macOf } from "./replay.ts";

function queue() {
  const followed: (string | undefined)[] = [];
  const reports: string[] = [];
  const soon: (() => void)[] = [];
  const told = new Told({
    follow(event) {
      const reason = event.kind === "refused" ? event.reason : undefined;
      if (reason === "bad") throw new Error("disk I/O error");
      followed.push(reason);
      if (reason === "first") tell("within");
    },
    soon: (run) => void soon.push(run),
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
  const turn = (): void => {
    for (const run of soon.splice(0)) run();
  };
  return { followed, reports, soon, told, tell, turn };
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
