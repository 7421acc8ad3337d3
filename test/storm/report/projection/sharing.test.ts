import { expect, test } from "vitest";
import { pacesOf } from "../../../../src/storm/report/projection/sharing.ts";

test("one resource is shared evenly: four nodes get a quarter each", () => {
  const crowds = [
    { nodes: 3, alone: 1, demands: [1] },
    { nodes: 1, alone: 2, demands: [2] },
  ];
  // Of one unit a second each has 1/4: a piece of 2 units is an eighth further.
  expect(pacesOf(crowds, [1])).toEqual([
    { speed: 0.25, heldBy: 0 },
    { speed: 0.125, heldBy: 0 },
  ]);
});

test("who gets on as fast as alone leaves the rest to the others", () => {
  const paces = pacesOf(
    [
      { nodes: 1, alone: 10, demands: [1] },
      { nodes: 3, alone: 1, demands: [1] },
    ],
    [1],
  );
  expect(paces[0]).toEqual({ speed: 0.1, heldBy: undefined });
  expect(paces[1]?.speed).toBeCloseTo(0.3, 12);
  expect(paces[1]?.heldBy).toBe(0);
});

test("two resources: the example of dominant resource fairness (Ghodsi et al., NSDI 2011, §4.1)", () => {
  // 9 processors and 18 GB; tasks of 1 and 4, and of 3 and 1: three and two of them.
  const paces = pacesOf(
    [
      { nodes: 1, alone: 0.01, demands: [1, 4] },
      { nodes: 1, alone: 0.01, demands: [3, 1] },
    ],
    [9, 18],
  );
  expect(paces[0]?.speed).toBeCloseTo(3, 9);
  expect(paces[1]?.speed).toBeCloseTo(2, 9);
});

test("what is without limit holds nobody up, and who needs nothing waits for nobody", () => {
  const paces = pacesOf(
    [
      { nodes: 1000, alone: 5, demands: [7, 0] },
      { nodes: 1, alone: 4, demands: [0, 0] },
      { nodes: 2, alone: 1, demands: [0, 1] },
    ],
    [Number.POSITIVE_INFINITY, 1],
  );
  expect(paces).toEqual([
    { speed: 0.2, heldBy: undefined },
    { speed: 0.25, heldBy: undefined },
    { speed: 0.5, heldBy: 1 },
  ]);
});
