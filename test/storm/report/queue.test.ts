import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { lastEnd, throughputs } from "../../../src/storm/report/queue.ts";

describe("mean value analysis", () => {
  test("two stations alike, nobody at home: n / (n + 1) (Denning and Buzen, 1978)", () => {
    const stations = [
      { demand: 1, servers: 1 },
      { demand: 1, servers: 1 },
    ];
    const through = throughputs(20, 0, stations);
    for (const n of [1, 2, 5, 20]) expect(through[n]).toBeCloseTo(n / (n + 1), 10);
  });

  test("the machine repairman: M/M/1//N, whose states are known", () => {
    const [demand, home, most] = [0.5, 4, 12];
    const through = throughputs(most, home, [{ demand, servers: 1 }]);
    for (let customers = 1; customers <= most; customers++) {
      // p0 = 1 / Σ N! / (N - k)! (D / Z)^k
      let term = 1;
      let sum = 1;
      for (let k = 1; k <= customers; k++) {
        term *= ((customers - k + 1) * demand) / home;
        sum += term;
      }
      expect(through[customers]).toBeCloseTo((1 - 1 / sum) / demand, 10);
    }
  });

  test("never more than the slowest station does, nor than all do without a queue", () => {
    const station = fc.record({
      demand: fc.double({ min: 0.001, max: 10, noNaN: true }),
      servers: fc.integer({ min: 1, max: 8 }),
    });
    const stations = fc.array(station, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(stations, fc.integer({ min: 1, max: 60 }), fc.nat(100), (all, count, home) => {
        const through = throughputs(count, home, all);
        const most = Math.min(...all.map(({ demand, servers }) => servers / demand));
        const alone = all.reduce((total, { demand }) => total + demand, home);
        for (let n = 1; n <= count; n++) {
          const rate = through[n] ?? 0;
          expect(rate).toBeLessThanOrEqual(most * (1 + 1e-9));
          expect(rate).toBeLessThanOrEqual((n / alone) * (1 + 1e-9));
          expect(rate).toBeGreaterThanOrEqual((through[n - 1] ?? 0) * (1 - 1e-9));
        }
      }),
    );
  });
});

describe("the last end", () => {
  test("nodes that start together end together", () => {
    const through = Float64Array.of(0, 0.5, 0.8, 0.9);
    expect(lastEnd([0, 0, 0], through)).toBeCloseTo(3 / 0.9, 9);
  });

  test("nodes that come one after another do not wait for each other", () => {
    const through = Float64Array.of(0, 0.5, 0.5);
    expect(lastEnd([0, 10], through)).toBeCloseTo(12, 9);
  });

  test("who comes while another is under way shares with it", () => {
    // Alone for 1 s (half done), together at a quarter a second each for 2 s, then alone again.
    const through = Float64Array.of(0, 0.5, 0.5);
    expect(lastEnd([0, 1], through)).toBeCloseTo(4, 9);
  });

  test("nothing goes through: never", () => {
    expect(lastEnd([0], Float64Array.of(0, 0))).toBe(Number.POSITIVE_INFINITY);
  });
});
