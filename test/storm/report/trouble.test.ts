import { expect, test } from "vitest";
import { isWell } from "../../../src/storm/report/figures.ts";
import { renderHtml } from "../../../src/storm/report/html.ts";
import { failuresOf } from "../../../src/storm/report/sections/trouble.ts";
import { renderSummary } from "../../../src/storm/report/summary.ts";
import { stormResult } from "../../../src/storm/result.ts";
import { madeResult } from "./made-result.ts";

test("what was to be done and came after the end is no success, and said in summary, page and JSON", () => {
  const made = { ...madeResult({ nodes: 3 }), seconds: 42 };
  const notReached = [{ at: 60, what: "the server was killed" }];
  expect([isWell(made), isWell({ ...made, notReached })]).toEqual([true, false]);
  const said =
    "the server was killed: that was to be at 60.0 s, and the storm was over after 42.0 s";
  expect(renderSummary({ ...made, notReached }, 80)).toContain(`\nNot done: ${said}\n`);
  expect(renderSummary(made, 80)).not.toContain("Not done");
  expect(renderHtml({ ...made, notReached })).toContain(`<li>${said}</li>`);
  expect(stormResult.parse({ ...made, notReached }).notReached).toEqual(notReached);
});

test("failures by what they were, the most frequent first", () => {
  const made = madeResult({ nodes: 3 });
  const failures = ["a", "b", "b"];
  const nodes = made.nodes.map((node, index) => ({ ...node, failure: failures[index] ?? "c" }));
  expect(failuresOf({ ...made, nodes })).toEqual([
    { why: "b", names: [nodes[1]?.name, nodes[2]?.name] },
    { why: "a", names: [nodes[0]?.name] },
  ]);
});

test("what the server refused, by protocol and reason", () => {
  const refused = { tftp: { malformed: 1234, "too many transfers": 5 } };
  const page = renderHtml({ ...madeResult({ nodes: 3 }), refused });
  expect(page).toContain("What the server refused");
  expect(page).toMatch(/tftp<.*malformed<.*1,234<.*too many transfers<.*5</s);
  expect(renderHtml(madeResult({ nodes: 3 }))).not.toContain("What the server refused");
});
