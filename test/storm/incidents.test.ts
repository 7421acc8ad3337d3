import { expect, test } from "vitest";
import { Incidents } from "../../src/storm/incidents.ts";
import { VirtualClock } from "../sim/clock.ts";

test("what came too late for the storm is not said to be done", () => {
  const clock = new VirtualClock();
  const done: string[] = [];
  const incident = (at: number, what: string) => ({
    ...{ at, what },
    run: async () => void done.push(what),
  });
  using incidents = new Incidents(clock, [incident(1, "killed"), incident(3, "started")]);
  clock.advance(2000);
  expect(done).toEqual(["killed"]);
  expect(incidents.happened).toEqual([{ at: 1, what: "killed" }]);
  expect(incidents.notReached).toEqual([{ at: 3, what: "started" }]);
});
