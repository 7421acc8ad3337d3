import { expect, test } from "vitest";
import { ticksOf } from "../../../src/storm/report/charts/frame.ts";
import {
  bitRateText,
  bytesText,
  countText,
  msText,
  percentText,
  secondsText,
} from "../../../src/storm/report/format.ts";
import { pointsOf, quantile, totalOf } from "../../../src/storm/report/series.ts";
import { madeResult } from "./made-result.ts";

test("numbers have three figures and the unit that suits", () => {
  expect([0, 0.04, 9.999, 42.14, 176.4, 900].map(secondsText)).toEqual([
    ...["0.00 s", "0.04 s", "10.00 s", "42.1 s", "176 s", "15.0 min"],
  ]);
  expect([0, 999, 1000, 66_300_000, 4.12e9].map(bytesText)).toEqual([
    ...["0 B", "999 B", "1.00 kB", "66.3 MB", "4.12 GB"],
  ]);
  expect([941e6, 9.41e9, 999.7e6].map(bitRateText)).toEqual(["941 Mb/s", "9.41 Gb/s", "1.00 Gb/s"]);
  expect([5, 1234567, 2.5, 0].map(countText)).toEqual(["5", "1,234,567", "2.50", "0"]);
  expect([0.32, 12.5, 1800].map(msText)).toEqual(["0.32 ms", "12.5 ms", "1.80 s"]);
  expect([0, 0.001, 0.5, 1].map(percentText)).toEqual(["0 %", "0.1 %", "50 %", "100 %"]);
});

test("an axis has round steps, and whole ones where halves mean nothing", () => {
  expect(ticksOf(30, 5)).toEqual([0, 10, 20, 30]);
  expect(ticksOf(0.7, 5)).toEqual([0, 0.2, 0.4, 0.6]);
  expect(ticksOf(1, 4, true)).toEqual([0, 1]);
  expect(ticksOf(0, 5)).toEqual([0]);
});

test("samples are put together where there are too many, and nothing is lost", () => {
  const made = madeResult({ nodes: 3 });
  const [first] = made.series;
  if (first === undefined) throw new Error("no samples");
  const series = Array.from({ length: 3000 }, (_, index) => ({
    ...first,
    at: (index + 1) * 0.25,
    received: { nfs: index },
    loadBusy: index === 1234 ? 1 : 0,
  }));
  const points = pointsOf({ ...made, series });
  expect(points.length).toBeLessThanOrEqual(400);
  const bytes = points.reduce((sum, point) => sum + totalOf(point.received) * point.seconds, 0);
  expect(bytes).toBeCloseTo((3000 * 2999) / 2, 3);
  expect(Math.max(...points.map((point) => point.loadBusy))).toBe(1);
  expect(points.at(-1)?.at).toBe(750);
});

test("the last sample may be of a few ms: it makes no peak of its own", () => {
  const made = madeResult({ nodes: 3 });
  const [first] = made.series;
  if (first === undefined) throw new Error("no samples");
  const at = (seconds: number) => ({ ...first, at: seconds, received: { nfs: 1000 } });
  const points = pointsOf({ ...made, series: [at(0.25), at(0.5), at(0.502)] });
  expect(points.map((point) => point.at)).toEqual([0.25, 0.502]);
  expect(points[1]?.received.nfs).toBeCloseTo(2000 / 0.252, 6);
});

test("a quantile is a value that was measured", () => {
  expect(quantile([3, 1, 2], 0.5)).toBe(2);
  expect(quantile([3, 1, 2, 4], 0.5)).toBe(2);
  expect(quantile([5], 0.99)).toBe(5);
  expect(quantile([], 0.5)).toBeNaN();
});
