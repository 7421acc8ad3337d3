import { describe, expect, test } from "vitest";
import { renderComparisonHtml } from "../../../src/storm/report/compare-html.ts";
import { renderHtml } from "../../../src/storm/report/html.ts";
import { project } from "../../../src/storm/report/project.ts";
import { stormResult } from "../../../src/storm/result.ts";
import { madeResult } from "./made-result.ts";

const link = { bitsPerSecond: 1e9, latencyMs: 0.2, loss: 0.001 };
const incidents = [{ at: 12, what: "the server was killed" }];

const reports = [
  ["100 nodes", renderHtml(madeResult({ nodes: 100, failed: 3, link, incidents }))],
  ["5,000 nodes", renderHtml(madeResult({ nodes: 5000, failed: 7 }))],
  ["one node", renderHtml(madeResult({ nodes: 1 }))],
  ["nothing came up", renderHtml(madeResult({ nodes: 2, failed: 2 }))],
  ["two runs", renderComparisonHtml(madeResult({ nodes: 10 }), madeResult({ nodes: 20, seed: 2 }))],
] as const;

describe.each(reports)("the page of %s", (_name, page) => {
  test("loads nothing, and may not", () => {
    expect(page.includes("default-src &#39;none&#39;")).toBe(true);
    expect(
      found(page, /.{0,40}(?:src|href|action|srcset)=.{0,40}|url\(|@import|<script|<link/i),
    ).toBe("");
    expect(found(page, /.{0,40}https?:\/\/.{0,40}/)).toBe("");
  });

  test("every element that is opened is closed, and every number is one", () => {
    expect(unbalanced(page)).toEqual([]);
    expect(found(page, /.{0,60}(?:NaN|Infinity|undefined|\[object).{0,20}/)).toBe("");
  });

  test("every chart says what it shows", () => {
    const plots = [...page.matchAll(/<svg class="plot"[^>]*aria-labelledby="(\S+) (\S+)"/g)];
    expect(plots.length).toBeGreaterThan(1);
    for (const [, title, description] of plots) {
      expect(found(page, new RegExp(`<title id="${title}">[^<]+</title>`))).not.toBe("");
      expect(found(page, new RegExp(`<desc id="${description}">[^<]+</desc>`))).not.toBe("");
    }
    const ids = [...page.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test("the waterfall has a line for each of 100 nodes, and names each", () => {
  const page = renderHtml(madeResult({ nodes: 100 }));
  for (let node = 1; node <= 100; node++) {
    expect(page.includes(`<title>node${node}: dhcp `), `node${node}`).toBe(true);
  }
});

test("of 5,000 nodes it has groups, and those that failed or were last by themselves; the page stays small", () => {
  const [, page] = reports[1];
  expect(page.match(/<title>25 nodes: /g)?.length).toBe(200);
  for (const node of [4998, 4999, 5000]) {
    expect(page.includes(`<title>node${node}: dhcp `), `node${node}`).toBe(true);
  }
  expect(page.length).toBeLessThan(1_000_000);
});

test("the link's limit is drawn where it is near: 1,448 of 1,538 bytes of a frame (IEEE 802.3) are payload", () => {
  expect(found(renderHtml(madeResult({ nodes: 10, link })), /the link’s limit: [^<]+/)).toBe(
    "the link’s limit: 941 Mb/s",
  );
  expect(found(renderHtml(madeResult({ nodes: 10 })), /the link’s limit/)).toBe("");
});

test("names, reasons and titles are text, whatever is in them", () => {
  const evil = `<img src=x onerror=alert(1)>"'&\u0000\u001b[2J`;
  const made = madeResult({ nodes: 3, failed: 1 });
  const page = renderHtml({
    ...made,
    title: evil,
    nodes: made.nodes.map((node) => ({ ...node, name: evil, failure: evil, address: evil })),
    options: { ...made.options, trace: evil, arrival: evil, servers: { [evil]: evil } },
    incidents: [{ at: 1, what: evil }],
    verified: { ...made.verified, examples: [evil] },
    files: { ...made.files, examples: [evil] },
    machine: { ...made.machine, processor: evil },
  });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
  expect(found(page, /.{0,40}(?:<img|[\u0000-\u0008\u001b]).{0,40}/)).toBe("");
  expect(page.includes("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;??[2J")).toBe(true);
  expect(unbalanced(page)).toEqual([]);
});

test("where the load was the limit, it says so; else that it was not", () => {
  const calm = renderHtml(madeResult({ nodes: 5 }));
  expect(found(calm, /The load was not the limit/)).not.toBe("");
  const made = madeResult({ nodes: 5 });
  const busy = renderHtml({
    ...made,
    series: made.series.map((sample) => ({ ...sample, loadBusy: 1 })),
    load: { ...made.load, busyMax: 1 },
  });
  expect(found(busy, /Bounded by [^<]+/)).toBe(
    "Bounded by the machine that makes the load, not by the servers",
  );
  expect(found(busy, /The servers may do more than is shown here/)).not.toBe("");
});

test("projections are there with their error, and that they were not measured", () => {
  const made = madeResult({ nodes: 50 });
  const projection = project(made, { nodes: 500, bitsPerSecond: 10e9 });
  const page = renderHtml(made, projection === undefined ? [] : [projection]);
  expect(found(page, /500 nodes, 10\.0 Gb\/s, 1 server: [\d.]+ s, give or take \d/)).not.toBe("");
  expect(found(page, /Not measured/)).not.toBe("");
});

test("what is made by hand is what storms write", () => {
  expect(stormResult.safeParse(madeResult({ nodes: 3, failed: 1, link, incidents })).error).toBe(
    undefined,
  );
});

/** A page is too long for a failure's message. */
function found(page: string, pattern: RegExp): string {
  return pattern.exec(page)?.[0] ?? "";
}

/** Elements that are closed by another, or not at all. */
function unbalanced(page: string): string[] {
  const wrong: string[] = [];
  const open: string[] = [];
  for (const [, slash, name = "", rest = ""] of page.matchAll(/<(\/?)([a-z0-9]+)([^>]*)>/gi)) {
    if (name === "meta" || rest.endsWith("/")) continue;
    if (slash === "") open.push(name);
    else if (open.pop() !== name) wrong.push(name);
  }
  return [...wrong, ...open];
}
