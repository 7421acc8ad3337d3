import { expect, test } from "vitest";
import { Spaced } from "../../src/dhcp/spaced.ts";
import { VirtualClock } from "../sim/clock.ts";

test("who asks seldom waits for nothing; who asks again soon, for the rest of the pause", () => {
  const clock = new VirtualClock();
  const begun: number[] = [];
  const spaced = new Spaced((work) => work(), clock, 2);
  const ask = (): void => spaced.do(() => begun.push(clock.now()));
  ask();
  clock.advance(1);
  ask();
  clock.advance(10);
  ask();
  expect(begun).toEqual([0, 2, 11]);
});

test("nothing is done any more when it is disposed of", () => {
  const clock = new VirtualClock();
  let count = 0;
  const spaced = new Spaced((work) => work(), clock, 2);
  for (let times = 0; times < 2; times += 1) {
    spaced.do(() => {
      count += 1;
    });
  }
  spaced[Symbol.dispose]();
  clock.advance(100);
  expect(count).toBe(1);
});
