import { expect, test } from "vitest";
import { type Projection, project } from "../../../src/storm/report/project.ts";
import { partsText, projectionText } from "../../../src/storm/report/projection/text.ts";
import { PAYLOAD_SHARE } from "../../../src/storm/report/series.ts";
import type { StormResult } from "../../../src/storm/result.ts";
import { madeResult } from "./made-result.ts";

function projected(...args: Parameters<typeof project>): Projection {
  const projection = project(...args);
  if (projection === undefined) throw new Error("nothing was projected");
  return projection;
}

interface Uniform {
  readonly nodes?: number;
  /** Of one processor, by each node. */
  readonly cpu?: number;
  readonly seconds?: number;
  readonly own?: number;
  readonly bytes?: number;
}

/**
 * Nodes that fetch a kernel and then make 1,000 calls. A byte takes nothing of the servers, a call all; samples are of the
 * one in the first half and of the other in the second.
 */
function twoParts(given: Uniform): StormResult {
  const { nodes = 50, cpu = 0.1, seconds = 20, own = 15, bytes = 40e6 } = given;
  const made = madeResult({ nodes });
  const { nfs, http } = made.protocols;
  const half = Math.round(seconds / 0.5);
  return {
    ...made,
    seconds,
    nodes: made.nodes.map((node) => ({
      ...node,
      startedAt: 0,
      reached: { root: seconds / 2, up: seconds },
      calls: { http: 1, nfs: 1000 },
      received: { http: bytes },
    })),
    protocols: {
      ...(http === undefined ? {} : { http: { ...http, calls: nodes, received: bytes * nodes } }),
      ...(nfs === undefined ? {} : { nfs: { ...nfs, calls: nodes * 1000, received: 0 } }),
    },
    phases: [
      { until: "root", own: own / 2, rounds: 1, calls: { http: 1 }, received: { http: bytes } },
      { until: "up", own: own / 2, rounds: 1000, calls: { nfs: 1000 }, received: {} },
    ],
    series: Array.from({ length: 2 * half }, (_, index) => ({
      at: (index + 1) * 0.25,
      received: index < half ? { http: (bytes * nodes) / half } : {},
      calls: index < half ? {} : { nfs: (nodes * 1000) / half },
      retransmits: 0,
      stages: { root: nodes },
      failed: 0,
      serverCpu: index < half ? 0 : (nodes * cpu) / (seconds / 2),
      loadCpu: 0,
      loadBusy: 0.1,
      machineCpu: 0.5,
    })),
    server: { cpuSeconds: nodes * cpu, rssMax: 1e8 },
  };
}

test("bytes take what the link lets through, then calls what the processors do: one after the other", () => {
  const made = twoParts({ own: 0 });
  const { seconds, by, parts, boot } = projected(made, { nodes: 500, bitsPerSecond: 1e9 });
  // 500 × 40 MB at the payload of 1 Gb/s; 500 × 0.1 s of the one processor that the servers were seen to use.
  const link = (500 * 40e6 * 8) / (1e9 * PAYLOAD_SHARE);
  expect(seconds).toBeCloseTo(link + 50, 3);
  expect(by).toBe("link");
  expect(parts.map(({ until, by: holder }) => [until, holder])).toEqual([
    ["root", "link"],
    ["up", "server"],
  ]);
  expect(parts[0]?.seconds).toBeCloseTo(link, 3);
  expect(boot.p95).toBeCloseTo(seconds, 9);
});

test("few nodes take their own time and their service", () => {
  const made = twoParts({ own: 15, cpu: 0.1 });
  const few = projected(made, { nodes: 5 });
  expect(few.seconds).toBeCloseTo(15.1, 3);
  expect(few.by).toBe("nodes");
  // At 1 Gb/s with what the link takes one alone.
  const carried = (40e6 * 8) / (1e9 * PAYLOAD_SHARE);
  const linked = projected(made, { nodes: 5, bitsPerSecond: 1e9 });
  expect(linked.seconds).toBeCloseTo(15.1 + carried, 3);
  expect(linked.by).toBe("nodes");
});

test("a node that has a slow link for itself waits for the link, and one whose calls are slow for the server", () => {
  const slow = projected(twoParts({ own: 15 }), { nodes: 1, bitsPerSecond: 10e6 });
  expect(slow.by).toBe("link");
  expect(slow.parts.map(({ by }) => by)).toEqual(["link", "nodes"]);
  const busy = projected(twoParts({ own: 1, cpu: 0.4 }), { nodes: 1 });
  expect(busy.parts.map(({ by }) => by)).toEqual(["nodes", "nodes"]);
  const busier = projected(twoParts({ own: 1, cpu: 0.6, nodes: 10 }), { nodes: 1 });
  expect(busier.parts.map(({ by }) => by)).toEqual(["nodes", "server"]);
});

test("more nodes take longer, more servers and a faster link do not", () => {
  const made = twoParts({});
  const secondsOf = (wanted: Parameters<typeof project>[1]): number =>
    projected(made, wanted).seconds;
  const one = secondsOf({ nodes: 1000, bitsPerSecond: 1e9 });
  expect(secondsOf({ nodes: 2000, bitsPerSecond: 1e9 })).toBeGreaterThan(one);
  expect(secondsOf({ nodes: 1000, bitsPerSecond: 1e9, servers: 4 })).toBeLessThan(one);
  expect(secondsOf({ nodes: 1000, bitsPerSecond: 10e9 })).toBeLessThan(one);
});

test("nodes that come over a time are not there before", () => {
  const made = twoParts({});
  const spread = (arrival: string): StormResult => ({
    ...made,
    options: { ...made.options, arrival },
    nodes: made.nodes.map((node, index) => ({ ...node, startedAt: index })),
  });
  // A node a second: the last of 100 comes after 98 s, and all that come in the same time after 49 s.
  const rate = projected(spread("poisson:1/s"), { nodes: 100 }).seconds;
  expect(rate).toBeCloseTo(98 + 15.1, 1);
  expect(projected(spread("ramp:50s"), { nodes: 100 }).seconds).toBeCloseTo(49 + 15.1, 0);
});

test("5,000 nodes over a ramp are told apart in groups, each as late as its last", () => {
  const made = twoParts({ cpu: 0.001 });
  const spread = {
    ...made,
    options: { ...made.options, arrival: "ramp:1000s" },
    nodes: made.nodes.map((node, index) => ({ ...node, startedAt: index * 20 })),
  };
  const { seconds, boot } = projected(spread, { nodes: 5000 });
  // 50 starts of 100 nodes: 0.1 s of the processor for each of these is less than a node takes by itself.
  expect(seconds).toBeCloseTo(980 + 15.001, 1);
  expect(boot.p50).toBeCloseTo(15.001, 1);
});

test("what stays out of the run stays out of the projection", () => {
  const { http: _, ...rest } = twoParts({}).protocols;
  const { seconds } = projected({ ...twoParts({ own: 0 }), protocols: rest }, { nodes: 500 });
  expect(seconds).toBeCloseTo(50, 3);
});

test("who came up took more than who failed before: that is what others take", () => {
  const made = twoParts({ own: 0 });
  const halved = (counts: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / 2]));
  const half: StormResult = {
    ...made,
    up: 25,
    failed: 25,
    nodes: made.nodes.map((node, index) =>
      index < 25 ? node : { ...node, failure: "no address", reached: {}, calls: {}, received: {} },
    ),
    protocols: Object.fromEntries(
      Object.entries(made.protocols).map(([name, { calls, received, ...rest }]) => [
        name,
        { ...rest, calls: calls / 2, received: received / 2 },
      ]),
    ),
    series: made.series.map((sample) => ({
      ...sample,
      received: halved(sample.received),
      calls: halved(sample.calls),
      serverCpu: (sample.serverCpu ?? 0) / 2,
    })),
  };
  const wanted = { nodes: 500, bitsPerSecond: 1e9 };
  expect(projected(half, wanted).seconds).toBeCloseTo(projected(made, wanted).seconds, 3);
});

test("what the trace has no bytes of takes the servers no time away", () => {
  const made = twoParts({ own: 0 });
  const { mount } = madeResult({ nodes: 50 }).protocols;
  // The processors' time goes by MOUNT's bytes, as nearly as by NFS' calls.
  const odd: StormResult = {
    ...made,
    protocols: { ...made.protocols, ...(mount === undefined ? {} : { mount }) },
    nodes: made.nodes.map((node) => ({ ...node, received: { ...node.received, mount: 900 } })),
    series: made.series.map((sample, index) => {
      const much = sample.calls.nfs === undefined ? 0 : 0.5 + (index % 2);
      const serverCpu = (sample.serverCpu ?? 0) * much;
      return { ...sample, serverCpu, received: { ...sample.received, mount: 900 * much } };
    }),
  };
  expect(projected(odd, { nodes: 500 }).seconds).toBeCloseTo(50, 3);
});

test("its error is what it is wrong by on the run itself, and no less than runs differ by", () => {
  // 7.5 s to the kernel's end, 7.5 s and 0.01 s to the end.
  const alike = projected(twoParts({ seconds: 15.1, own: 15 }), {});
  expect(alike.error).toBe(0.15);
  const short = projected(twoParts({ seconds: 15, own: 15, cpu: 0.01 }), {});
  expect(short.error).toBe(0.3);
  const said = "the run was short";
  expect(short.assumptions.some((line) => line.startsWith(said))).toBe(true);
  expect(alike.assumptions.some((line) => line.startsWith(said))).toBe(false);
  expect(projected(twoParts({ seconds: 30, own: 15, cpu: 0.01 }), {}).error).toBeCloseTo(0.5, 2);
});

test("on another link its error has what bytes may cost there", () => {
  const made = twoParts({ own: 0, cpu: 1, seconds: 100 });
  // All of the servers' time is of bytes, which come all the time.
  const bytesOnly: StormResult = {
    ...made,
    phases: (made.phases ?? []).slice(0, 1),
    protocols: made.protocols.http === undefined ? {} : { http: made.protocols.http },
    series: made.series.map((sample) => ({
      ...sample,
      calls: {},
      received: { http: (50 * 40e6) / made.series.length },
      serverCpu: 0.5,
    })),
    nodes: made.nodes.map((node) => ({ ...node, reached: { root: 50, up: 100 } })),
  };
  expect(projected(bytesOnly, { bitsPerSecond: 100e9 }).error).toBeCloseTo(1, 6);
});

test("nothing is projected from a run that nobody came through, or whose servers or phases are not known", () => {
  expect(project(madeResult({ nodes: 2, failed: 2 }), {})).toBeUndefined();
  const { server: _, ...unseen } = madeResult({ nodes: 2 });
  expect(project(unseen, {})).toBeUndefined();
  const { phases: __, ...old } = madeResult({ nodes: 2 });
  expect(project(old, {})).toBeUndefined();
});

test("a slower link is told from none", () => {
  const linked = madeResult({ nodes: 5, link: { bitsPerSecond: 1e9 } });
  const said = (result: StormResult): string =>
    projected(result, { bitsPerSecond: 1e8 }).assumptions.join();
  expect(said(linked)).toContain("a byte costs the servers what it cost on this run’s link;");
  expect(said(madeResult({ nodes: 5 }))).toContain("what it cost here, without that link;");
});

test("two lines say what for, how long, how sure, and what holds nodes up where", () => {
  const projection = projected(twoParts({}), { nodes: 5000, bitsPerSecond: 10e9, servers: 4 });
  expect(projectionText(projection)).toMatch(
    /^5,000 nodes, 10\.0 Gb\/s, 4 servers: \d+ s, give or take \d[\d.]* %; most of it is the servers’ processors$/,
  );
  expect(partsText(projection)).toMatch(
    /^a node takes \d+ s \(p50\), \d+ s \(p95\); the last one is there: root [\d.]+ s \(the link\), up \d+ s \(the servers’ processors\)$/,
  );
});
