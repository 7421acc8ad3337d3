import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { stepsOf } from "../../../src/storm/record/steps.ts";

const up = { kind: "up" } as const;

function waits(times: readonly (readonly [sentAt: number, endedAt: number])[]): string[] {
  const steps = stepsOf(times.map(([sentAt, endedAt]) => ({ sentAt, endedAt, deed: up })));
  return steps.map(({ after, think }) => `${after} ${think}`);
}

describe("what a step waits for", () => {
  test("one after the other", () => {
    expect(
      waits([
        [100, 110],
        [115, 120],
        [120, 150],
      ]),
    ).toEqual(["-1 0", "0 5", "1 0"]);
  });

  test("several at once wait for the same; what follows waits for the one that ended last", () => {
    expect(
      waits([
        [0, 10],
        [11, 30],
        [12, 20],
        [13, 40],
        [25, 26],
        [41, 50],
      ]),
    ).toEqual(["-1 0", "0 1", "0 2", "0 3", "2 5", "3 1"]);
  });

  test("never for itself or one behind it, even where all came in one moment", () => {
    expect(
      waits([
        [5, 5],
        [5, 5],
        [5, 5],
      ]),
    ).toEqual(["-1 0", "0 0", "1 0"]);
    const time = fc.tuple(fc.nat(20), fc.nat(20));
    fc.assert(
      fc.property(fc.array(time), (pairs) => {
        const times = pairs
          .map(([sent, took]) => [sent, sent + took] as const)
          .sort((a, b) => a[0] - b[0]);
        const steps = stepsOf(times.map(([sentAt, endedAt]) => ({ sentAt, endedAt, deed: up })));
        for (const [index, { after, think }] of steps.entries()) {
          expect(after).toBeLessThan(index);
          expect(think).toBeGreaterThanOrEqual(0);
          const from = after < 0 ? times[0]?.[0] : times[after]?.[1];
          expect((from ?? 0) + think).toBe(times[index]?.[0]);
        }
      }),
    );
  });
});
