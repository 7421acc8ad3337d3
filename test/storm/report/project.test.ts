import { expect, test } from "vitest";
import { type Projection, project, projectionText } from "../../../src/storm/report/project.ts";
import { PAYLOAD_SHARE } from "../../../src/storm/report/series.ts";
import type { StormResult } from "../../../src/storm/result.ts";
import { madeResult } from "./made-result.ts";

function projected(...args: Parameters<typeof project>): Projection {
  const projection = project(...args);
  if (projection === undefined) throw new Error("nothing was projected");
  return projection;
}

/** Nodes that do all alike: `cpu` seconds of one processor each, in `seconds`, of which `own` are theirs. */
function uniform({ nodes = 50, cpu = 0.1, seconds = 20, own = 15, bytes = 40e6 }): StormResult {
  const made = madeResult({ nodes });
  const { nfs } = made.protocols;
  const samples = Math.round(seconds / 0.25);
  const calls = nodes * 1000;
  return {
    ...made,
    seconds,
    options: { ...made.options, ownSeconds: own },
    nodes: made.nodes.map((node) => ({ ...node, startedAt: 0, reached: { dhcp: 1, up: seconds } })),
    protocols: nfs === undefined ? {} : { nfs: { ...nfs, calls, received: bytes * nodes } },
    series: Array.from({ length: samples }, (_, index) => ({
      at: (index + 1) * 0.25,
      received: { nfs: (bytes * nodes) / samples },
      calls: { nfs: calls / samples },
      retransmits: 0,
      stages: { root: nodes },
      failed: 0,
      serverCpu: (nodes * cpu) / seconds,
      loadCpu: 0.1,
      loadBusy: 0.1,
      machineCpu: 0.5,
    })),
    server: { cpuSeconds: nodes * cpu, rssMax: 1e8 },
  };
}

test("no sooner than the bytes take on the link", () => {
  const made = uniform({ bytes: 40e6 });
  const { seconds, by } = projected(made, { nodes: 500, bitsPerSecond: 1e9 });
  const least = (500 * 40e6 * 8) / (1e9 * PAYLOAD_SHARE);
  expect(seconds).toBeGreaterThanOrEqual(least);
  expect(seconds).toBeLessThan(1.1 * least);
  expect(by).toBe("link");
});

test("no sooner than the servers' processors can, and than a node takes by itself", () => {
  const made = uniform({ cpu: 0.1 });
  const many = projected(made, { nodes: 5000 });
  expect(many.seconds).toBeGreaterThanOrEqual(500);
  expect(many.by).toBe("server");
  const few = projected(made, { nodes: 5 });
  expect(few.seconds).toBeGreaterThanOrEqual(15);
  expect(few.seconds).toBeLessThan(17);
  expect(few.by).toBe("nodes");
});

test("more nodes take longer, more servers and a faster link do not", () => {
  const made = uniform({});
  const secondsOf = (wanted: Parameters<typeof project>[1]): number =>
    projected(made, wanted).seconds;
  const one = secondsOf({ nodes: 1000, bitsPerSecond: 1e9 });
  expect(secondsOf({ nodes: 2000, bitsPerSecond: 1e9 })).toBeGreaterThan(one);
  expect(secondsOf({ nodes: 1000, bitsPerSecond: 1e9, servers: 4 })).toBeLessThan(one);
  expect(secondsOf({ nodes: 1000, bitsPerSecond: 10e9 })).toBeLessThan(one);
});

test("nodes that come over a time are not there before", () => {
  const made = uniform({});
  const spread = {
    ...made,
    options: { ...made.options, arrival: "poisson:1/s" },
    nodes: made.nodes.map((node, index) => ({ ...node, startedAt: index })),
  };
  expect(projected(spread, { nodes: 100 }).seconds).toBeGreaterThan(98 + 15);
});

test("its error is what it is wrong by on the run itself", () => {
  // The model makes of this run: own time, and next to no queue.
  expect(projected(uniform({ seconds: 15.3, own: 15, cpu: 0.01 }), {}).error).toBeLessThan(0.05);
  expect(projected(uniform({ seconds: 30, own: 15, cpu: 0.01 }), {}).error).toBeGreaterThan(0.4);
});

test("nothing is projected from a run that nobody came through, or whose servers were not seen", () => {
  expect(project(madeResult({ nodes: 2, failed: 2 }), {})).toBeUndefined();
  const { server: _, ...unseen } = madeResult({ nodes: 2 });
  expect(project(unseen, {})).toBeUndefined();
});

test("one line says what for, how long, and how sure", () => {
  const text = projectionText(
    projected(uniform({}), { nodes: 5000, bitsPerSecond: 10e9, servers: 4 }),
  );
  expect(text).toMatch(
    /^5,000 nodes, 10\.0 Gb\/s, 4 servers: \d+ s, give or take \d[\d.]* %; most of it is the servers’ processors$/,
  );
});
