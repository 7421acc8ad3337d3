import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Piece, simulate } from "../../../../src/storm/report/projection/simulate.ts";

/** First 1 s of the link, then 2 s of a processor; one of each is there. */
const twoPieces: readonly Piece[] = [
  { alone: 1, demands: [1, 0] },
  { alone: 2, demands: [0, 2] },
];

function lastEnd(...given: Parameters<typeof simulate>): number {
  return Math.max(...simulate(...given).ends.map((of) => of.at(-1) ?? Number.NaN));
}

test("nodes that start together do not overlap what comes first with what comes next", () => {
  // Ten of them: 10 s of the link, while no processor has anything to do, then 20 s of the processor.
  const { ends, held } = simulate(twoPieces, [{ at: 0, nodes: 10 }], [1, 1]);
  expect(ends).toEqual([[10, 30]]);
  // Ten nodes, by the link, the processor, themselves.
  expect(held).toEqual([
    [100, 0, 0],
    [0, 200, 0],
  ]);
});

test("two that start half a second apart, worked out on paper", () => {
  // Link: the first alone until 0.5, half each until 1.5, the second alone until 2.
  // Processor: the first alone until 2 (0.5 s of 2), half each until 5, the second (1.5 s of 2) alone until 5.5.
  const { ends } = simulate(
    twoPieces,
    [
      { at: 0, nodes: 1 },
      { at: 0.5, nodes: 1 },
    ],
    [1, 1],
  );
  expect(ends.flat().map((at) => Math.round(at * 1e9) / 1e9)).toEqual([1.5, 5, 2, 5.5]);
});

test("one node takes its own time and its service; many that overlap these take no less than both", () => {
  // 3 s, of which 1 s is the processor's: three nodes just fit, six take 6 s.
  const pieces = [{ alone: 3, demands: [1] }];
  expect(lastEnd(pieces, [{ at: 7, nodes: 1 }], [1])).toBe(10);
  expect(lastEnd(pieces, [{ at: 0, nodes: 3 }], [1])).toBe(3);
  expect(lastEnd(pieces, [{ at: 0, nodes: 6 }], [1])).toBeCloseTo(6, 9);
});

describe("whatever the pieces are", () => {
  const amount = fc.double({ min: 0, max: 5, noNaN: true });
  const piece = fc
    .record({ own: amount, link: amount, cpu: amount })
    .map(({ own, link, cpu }) => ({ alone: own + link + cpu + 1e-6, demands: [link, cpu] }));
  const pieces = fc.array(piece, { minLength: 1, maxLength: 8 });
  const starts = fc
    .array(fc.record({ at: amount, nodes: fc.integer({ min: 1, max: 9 }) }), {
      minLength: 1,
      maxLength: 5,
    })
    .map((all) => all.toSorted((a, b) => a.at - b.at));

  test("nobody is up before its own time and service, nor all before what they need is there", () => {
    fc.assert(
      fc.property(pieces, starts, (all, groups) => {
        const { ends } = simulate(all, groups, [1, 1]);
        const alone = all.reduce((total, one) => total + one.alone, 0);
        const nodes = groups.reduce((total, one) => total + one.nodes, 0);
        for (const [index, { at }] of groups.entries())
          expect(ends[index]?.at(-1)).toBeGreaterThanOrEqual((at + alone) * (1 - 1e-9));
        for (const resource of [0, 1]) {
          const needed = all.reduce((total, { demands }) => total + (demands[resource] ?? 0), 0);
          expect(lastEnd(all, groups, [1, 1])).toBeGreaterThanOrEqual(
            ((groups[0]?.at ?? 0) + nodes * needed) * (1 - 1e-6),
          );
        }
      }),
    );
  });

  test("more nodes together are never up sooner, and never later on a faster link", () => {
    fc.assert(
      fc.property(pieces, fc.integer({ min: 1, max: 50 }), amount, (all, nodes, more) => {
        const end = lastEnd(all, [{ at: 0, nodes }], [1, 1]);
        expect(lastEnd(all, [{ at: 0, nodes: nodes + 1 }], [1, 1])).toBeGreaterThanOrEqual(
          end * (1 - 1e-9),
        );
        expect(lastEnd(all, [{ at: 0, nodes }], [1 + more, 1])).toBeLessThanOrEqual(
          end * (1 + 1e-9),
        );
      }),
    );
  });
});
