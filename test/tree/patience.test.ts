import { expect, test } from "vitest";
import { Patience } from "../../src/tree/patience.ts";
import { VirtualClock } from "../sim/clock.ts";

function made() {
  const clock = new VirtualClock();
  const patience = new Patience(clock);
  const ask = (ms: number): string =>
    patience.timed(() => {
      clock.advance(ms);
      return "answer";
    });
  return { clock, ask, isOver: () => patience.isOver(clock.now()) };
}

test("three slow answers in a row end it, for two seconds", () => {
  const { clock, ask, isOver } = made();
  expect(ask(6)).toBe("answer");
  ask(6);
  expect(isOver()).toBe(false);
  ask(6);
  expect(isOver()).toBe(true);
  clock.advance(1999);
  expect(isOver()).toBe(true);
  clock.advance(1);
  expect(isOver()).toBe(false);
});

test("a quick answer in between, and it begins anew", () => {
  const { ask, isOver } = made();
  for (const ms of [6, 6, 1, 6, 6]) ask(ms);
  expect(isOver()).toBe(false);
});

test("after the rest one slow answer ends it again", () => {
  const { clock, ask, isOver } = made();
  for (const ms of [6, 6, 6]) ask(ms);
  clock.advance(2000);
  ask(6);
  expect(isOver()).toBe(true);
});
