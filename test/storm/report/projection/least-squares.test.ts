import { expect, test } from "vitest";
import { nonNegativeLeastSquares } from "../../../../src/storm/report/projection/least-squares.ts";

test("calls and bytes of very different number: each at its cost", () => {
  // 30 µs a call and 2 ns a byte.
  const rows = [
    [1000, 1e6],
    [200, 9e6],
    [4000, 3e6],
    [10, 25e6],
  ];
  const spent = rows.map(([calls = 0, bytes = 0]) => calls * 30e-6 + bytes * 2e-9);
  const [call = 0, byte = 0] = nonNegativeLeastSquares(rows, spent);
  expect(call / 30e-6).toBeCloseTo(1, 6);
  expect(byte / 2e-9).toBeCloseTo(1, 6);
});

test("what would cost less than nothing costs nothing, and the rest is as good as it can be", () => {
  // x = 2, x + y = 1: y would be -1. Without it x is the mean of 2 and 1.
  const costs = nonNegativeLeastSquares(
    [
      [1, 0],
      [1, 1],
    ],
    [2, 1],
  );
  expect(costs[0]).toBeCloseTo(1.5, 9);
  expect(costs[1]).toBe(0);
});

test("what never happened costs nothing", () => {
  const costs = nonNegativeLeastSquares(
    [
      [1, 0],
      [3, 0],
    ],
    [2, 6],
  );
  expect(costs[0]).toBeCloseTo(2, 9);
  expect(costs[1]).toBe(0);
  expect(nonNegativeLeastSquares([], [])).toEqual([]);
});
