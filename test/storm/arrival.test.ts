import { describe, expect, test } from "vitest";
import { arrivalTimes, formatArrival, parseArrival } from "../../src/storm/arrival.ts";
import { seededRandom } from "../../src/storm/random.ts";
import { UserError } from "../../src/user-error.ts";

function times(text: string, nodes: number, seed = 1): number[] {
  return arrivalTimes(parseArrival(text), nodes, seededRandom(seed));
}

describe("arrival of nodes", () => {
  test("all at once", () => {
    expect(times("all", 3)).toEqual([0, 0, 0]);
  });

  test("a ramp is even", () => {
    expect(times("ramp:30s", 6)).toEqual([0, 5, 10, 15, 20, 25]);
    expect(times("ramp:1m", 2)).toEqual([0, 30]);
  });

  test("racks come one after the other, each all at once", () => {
    expect(times("racks:2,10s", 5)).toEqual([0, 0, 10, 10, 20]);
    expect(times("racks:2,500ms", 3)).toEqual([0, 0, 0.5]);
  });

  test("a Poisson process: times between are exponentially distributed", () => {
    const nodes = 5000;
    const at = times("poisson:5/s", nodes);
    const between = at.map((time, index) => time - (at[index - 1] ?? 0));
    expect(between.every((time) => time > 0)).toBe(true);
    const mean = between.reduce((sum, time) => sum + time, 0) / nodes;
    const variance = between.reduce((sum, time) => sum + (time - mean) ** 2, 0) / nodes;
    // Of 5,000 values; five times the standard error of a mean of 1/5 s, whose deviation is its mean.
    expect(Math.abs(mean - 0.2)).toBeLessThan((5 * 0.2) / Math.sqrt(nodes));
    expect(Math.abs(Math.sqrt(variance) / mean - 1)).toBeLessThan(0.1);
    // 1 - 1/e of them are below the mean.
    const below = between.filter((time) => time < 0.2).length / nodes;
    expect(Math.abs(below - (1 - Math.exp(-1)))).toBeLessThan(0.04);
  });

  test("the same seed has the same times, another one others", () => {
    expect(times("poisson:0.5/s", 50, 7)).toEqual(times("poisson:0.5/s", 50, 7));
    expect(times("poisson:0.5/s", 50, 7)).not.toEqual(times("poisson:0.5/s", 50, 8));
  });

  test.each(["all", "ramp:30s", "poisson:2.5/s", "racks:20,10s"])(
    "%s is written as it is read",
    (text) => {
      expect(formatArrival(parseArrival(text))).toBe(text);
    },
  );

  test.each([
    ["", "--arrival : expected all, ramp:30s, poisson:5/s or racks:20,10s"],
    ["all:3", "--arrival all:3: expected all, ramp:30s, poisson:5/s or racks:20,10s"],
    ["ramp", "--arrival ramp: expected a time with its unit: 500ms, 30s or 2m"],
    ["ramp:30", "--arrival ramp:30: expected a time with its unit: 500ms, 30s or 2m"],
    ["ramp:-1s", "--arrival ramp:-1s: expected a time with its unit: 500ms, 30s or 2m"],
    ["ramp:9999m", "--arrival ramp:9999m: expected a time of at most 86400 s"],
    ["poisson:0/s", "--arrival poisson:0/s: expected nodes a second, as in poisson:5/s"],
    ["poisson:5", "--arrival poisson:5: expected nodes a second, as in poisson:5/s"],
    ["poisson:0.00001/s", "--arrival poisson:0.00001/s: expected at least one node in 1000 s"],
    ["racks:0,1s", "--arrival racks:0,1s: expected nodes of a rack and a time, as in racks:20,10s"],
    ["racks:5", "--arrival racks:5: expected nodes of a rack and a time, as in racks:20,10s"],
    ["racks:5,9", "--arrival racks:5,9: expected a time with its unit: 500ms, 30s or 2m"],
  ])("%j is refused", (text, message) => {
    expect(() => parseArrival(text)).toThrow(new UserError(message));
  });
});
