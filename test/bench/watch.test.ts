import { describe, expect, test } from "vitest";
import type { LoadResult } from "../../bench/load.ts";
import { compared, estimate } from "../../bench/watch/pairs.ts";

const upTo = (count: number): number[] => Array.from({ length: count }, (_, at) => count - at);

describe("the median and the sign test's interval", () => {
  // Tables of the binomial distribution with p = 1/2: P(X <= 1) of 9 is 0.0195, P(X <= 5) of 20 is 0.0207, and P(X <= 6) 0.0577.
  test.each([
    [6, [1, 6]],
    [9, [2, 8]],
    [20, [6, 15]],
    [40, [14, 27]],
  ])("of %i values", (count, interval) => {
    expect(estimate(upTo(count)).interval).toEqual(interval);
  });

  test("fewer than six say nothing", () => {
    expect(estimate(upTo(5))).toEqual({ median: 3, interval: undefined });
    expect(estimate([]).interval).toBeUndefined();
  });
});

test("each round is compared for itself: the machine's speed changes nothing", () => {
  const slice = (calls: number, speed: number): LoadResult => ({
    calls: calls * speed,
    seconds: 1,
    bytes: 0,
    errors: 0,
    added: 0,
    p50Us: 0,
    p99Us: 0,
    serverCpu: 0.5,
    loadCpu: 0.25,
  });
  const round = (speed: number, calls: number) => ({
    off: [slice(1000, speed), slice(1000, speed)],
    on: [slice(calls, speed), slice(calls, speed)],
  });
  const rounds = [1, 0.5, 0.25, 2, 1, 3, 0.1].map((speed) => round(speed, 970));
  const { ratio, cpuRatio, share, loadBusy } = compared({ title: "x", unit: "calls/s" }, rounds);
  expect(ratio.median).toBeCloseTo(0.97, 6);
  expect(ratio.interval?.[1]).toBeCloseTo(0.97, 6);
  expect(cpuRatio.median).toBeCloseTo(1 / 0.97, 6);
  // Half a processor was used; the calls were worth 0.97 of that.
  expect(share.median).toBeCloseTo(0.015, 6);
  expect(loadBusy).toBe(0.25);
});
