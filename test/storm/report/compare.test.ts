import { expect, test } from "vitest";
import { compareResults } from "../../../src/storm/report/compare.ts";
import { renderComparison, renderSummary } from "../../../src/storm/report/summary.ts";
import type { StormResult } from "../../../src/storm/result.ts";
import { madeResult } from "./made-result.ts";

test("a storm and itself: nothing is better, worse or unlike", () => {
  const made = madeResult({ nodes: 20 });
  const { rows, unlike } = compareResults(made, made);
  expect(rows.filter(({ verdict }) => verdict !== "same")).toEqual([]);
  expect(unlike).toEqual([]);
});

test("less time is better, less throughput is worse, and 5 % are chance", () => {
  const made = madeResult({ nodes: 20 });
  const slower = (factor: number): StormResult => ({ ...made, seconds: made.seconds * factor });
  const verdictOf = (name: string, second: StormResult): string | undefined =>
    compareResults(made, second).rows.find((row) => row.name === name)?.verdict;
  expect(verdictOf("all done after", slower(1.2))).toBe("worse");
  expect(verdictOf("all done after", slower(0.8))).toBe("better");
  expect(verdictOf("all done after", slower(1.03))).toBe("same");
  expect(verdictOf("throughput", slower(1.2))).toBe("worse");
  expect(
    verdictOf("differences", { ...made, verified: { ...made.verified, differences: 1 } }),
  ).toBe("worse");
});

test("what one of them has not is a dash, not a change", () => {
  const { server: _, ...unseen } = madeResult({ nodes: 5 });
  const { rows } = compareResults(madeResult({ nodes: 5 }), unseen);
  expect(rows.find(({ name }) => name === "server memory")).toMatchObject({
    second: "–",
    change: "",
    verdict: "same",
  });
});

test("options and machines that differ are said", () => {
  const one = madeResult({ nodes: 5 });
  const other = madeResult({ nodes: 6, link: { bitsPerSecond: 1e9 } });
  expect(compareResults(one, other).unlike).toEqual([
    "nodes: 5, 6",
    "network: loopback, link of 1.00 Gb/s",
  ]);
  expect(renderComparison(compareResults(one, other))).toContain("Not alike:\n  nodes: 5, 6\n");
});

test("a terminal gets verdict, stages, protocols, troubles and the bound", () => {
  const text = renderSummary(madeResult({ nodes: 100, failed: 2 }), 100);
  expect(text).toMatch(/^98 of 100 nodes came up within [\d.]+ s, 2 failed; 2 answers were not/);
  expect(text).toMatch(/^up +98 +2\d\.\d s/m);
  expect(text).toMatch(/^nfs +34\.0 MB +4,100 +0/m);
  expect(text).toContain("Failed: 2 (node99…): nothing answered for 120 s: nfs READ\n");
  expect(text).toMatch(/^Bounded by /m);
  expect(text).toContain("The load was not the limit");
});

test("no line is wider than the terminal for what is drawn, and nothing in it acts on it", () => {
  const made = madeResult({ nodes: 3, failed: 1 });
  const evil = { ...made, incidents: [{ at: 1, what: "a\u001b[2J\nb" }] };
  const text = renderSummary(evil, 80);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what must not be there
  expect(text).not.toMatch(/\u001b/);
  expect(text).toContain("At 1.00 s: a?[2J?b\n");
  const drawn = text.split("\n").filter((line) => line.includes("━"));
  expect(drawn.length).toBeGreaterThan(0);
  for (const line of drawn) expect(line.length).toBeLessThanOrEqual(80);
});
