import { expect, test } from "vitest";
import { boundBy } from "../../../src/storm/report/bound.ts";
import type { Sample, StormResult } from "../../../src/storm/result.ts";
import { madeResult } from "./made-result.ts";

/** A run whose samples are all alike. */
function steady(sample: Partial<Sample>, change: Partial<StormResult> = {}): StormResult {
  const made = madeResult({ nodes: 10, change });
  const quiet = { serverCpu: 0.2, loadCpu: 0.2, loadBusy: 0.2, machineCpu: 0.5 };
  return { ...made, series: made.series.map((one) => ({ ...one, ...quiet, ...sample })) };
}

test("a link that carries all that it can is the bound", () => {
  const made = steady({});
  const rate =
    (Object.values(made.protocols).reduce((n, one) => n + one.received, 0) * 8) / made.seconds;
  const series = made.series.map((sample) => ({
    ...sample,
    received: { nfs: (rate / 8) * 0.25 },
    calls: { nfs: 100 },
  }));
  const on = (bitsPerSecond: number): StormResult => ({
    ...made,
    series,
    options: { ...made.options, link: { bitsPerSecond } },
  });
  expect(boundBy(on(rate / 0.93)).by).toBe("link");
  expect(boundBy(on(rate * 3)).by).not.toBe("link");
});

test("a load worker that is always busy is the bound, whatever the servers do", () => {
  const bound = boundBy(steady({ loadBusy: 0.97, serverCpu: 1, machineCpu: 2 }));
  expect(bound.by).toBe("load");
  expect(bound.why).toContain("97 %");
});

test("a full machine is bound by who takes more of it", () => {
  expect(boundBy(steady({ machineCpu: 2, serverCpu: 1.3, loadCpu: 0.7 })).by).toBe("server");
  expect(boundBy(steady({ machineCpu: 2, serverCpu: 0.7, loadCpu: 1.3 })).by).toBe("load");
});

test("a machine that others keep busy measures nothing", () => {
  const bound = boundBy(steady({ machineCpu: 2, serverCpu: 0.4, loadCpu: 0.2 }));
  expect(bound.by).toBe("load");
  expect(bound.why).toContain("1.4 of them with other programs");
});

test("a server with one processor full is the bound while another is idle", () => {
  const bound = boundBy(steady({ machineCpu: 1.3, serverCpu: 1, loadCpu: 0.2 }));
  expect(bound).toMatchObject({ by: "server" });
  expect(bound.why).toContain("1.0 of 2");
});

test("where nothing is full, the nodes' own time is the bound, or what the servers wait for", () => {
  expect(boundBy(steady({})).by).toBe("nodes");
  const made = madeResult({ nodes: 10 });
  const nfs = made.protocols.nfs;
  const slow = nfs === undefined ? {} : { nfs: { ...nfs, latency: { ...nfs.latency, p50: 5 } } };
  expect(boundBy(steady({}, { protocols: { ...made.protocols, ...slow } })).by).toBe("disk");
  // A few long ones among many short ones: the median says nothing of them.
  const seldom = nfs === undefined ? {} : { nfs: { ...nfs, waited: 10 * 20 } };
  const bound = boundBy(steady({}, { protocols: { ...made.protocols, ...seldom } }));
  expect(bound.by).toBe("disk");
  expect(bound.why).toMatch(/^a node waited 20\.\d s for answers/);
});
