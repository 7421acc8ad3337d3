import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Histogram, percentilesOf } from "../../src/storm/histogram.ts";

function recorded(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.record(value);
  return histogram;
}

/** The smallest value that at least that share of all is not above. */
function nearestRank(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
}

/** From µs to an hour, as often of each size. */
const times = fc.array(
  fc.tuple(fc.integer({ min: -9, max: 20 }), fc.double({ min: 1, max: 2, noNaN: true })),
  { minLength: 1, maxLength: 400 },
);

describe("histogram", () => {
  test("its percentiles are within a thirty-second of those of the sorted values", () => {
    fc.assert(
      fc.property(times, (drawn) => {
        const values = drawn.map(([exponent, part]) => 2 ** exponent * part);
        const { count, p50, p95, p99, max } = recorded(values).percentiles();
        expect(count).toBe(values.length);
        expect(max).toBe(Math.max(...values));
        for (const [share, found] of [
          [0.5, p50],
          [0.95, p95],
          [0.99, p99],
        ] as const) {
          const exact = nearestRank(values, share);
          expect(Math.abs(found - exact)).toBeLessThanOrEqual(exact / 32);
        }
      }),
    );
  });

  test("all times together, to within a sixty-fourth", () => {
    fc.assert(
      fc.property(times, (drawn) => {
        const values = drawn.map(([exponent, part]) => 2 ** exponent * part);
        const exact = values.reduce((sum, value) => sum + value, 0);
        expect(Math.abs(recorded(values).sum - exact)).toBeLessThanOrEqual(exact / 64);
      }),
    );
  });

  test("two that are added up are as one of all values", () => {
    fc.assert(
      fc.property(times, times, (some, others) => {
        const valuesOf = (drawn: typeof some): number[] => drawn.map(([e, part]) => 2 ** e * part);
        const sum = recorded(valuesOf(some));
        sum.add(new Histogram(recorded(valuesOf(others)).counts));
        expect(sum.percentiles()).toEqual(
          recorded([...valuesOf(some), ...valuesOf(others)]).percentiles(),
        );
      }),
    );
  });

  test("whatever is recorded is counted: nothing, less than nothing, hours, infinity", () => {
    const odd = [0, -1, 1e-9, 2 ** 22, 1e12, Number.POSITIVE_INFINITY, Number.NaN];
    expect(recorded(odd).percentiles().count).toBe(odd.length);
  });

  test("without values all are 0", () => {
    expect(new Histogram().percentiles()).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });

  test("few values have their own percentiles", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);
    expect(percentilesOf(values)).toEqual({ count: 200, p50: 100, p95: 190, p99: 198, max: 200 });
    expect(percentilesOf([])).toEqual({ count: 0, p50: 0, p95: 0, p99: 0, max: 0 });
  });
});
