import { expect, test } from "vitest";
import { seldomMade } from "../../src/cli/status-answer.ts";
import { STATUS_PAUSE_TIMES } from "../../src/limits.ts";
import { VirtualClock } from "../sim/clock.ts";

test("what takes long to make is shown again for a while, and what takes no time is always new", () => {
  const clock = new VirtualClock();
  let ms = 0;
  const shown = seldomMade(clock, () => {
    clock.advance(ms);
    return {};
  });
  expect(shown()).not.toBe(shown());
  ms = 20;
  const first = shown();
  clock.advance(20 * STATUS_PAUSE_TIMES - 1);
  expect(shown()).toBe(first);
  clock.advance(1);
  expect(shown()).not.toBe(first);
});
