import { describe, expect, test } from "vitest";
import { STORM_SAMPLES_MAX } from "../../src/limits.ts";
import type { Sample } from "../../src/storm/result.ts";
import { Samples } from "../../src/storm/samples.ts";

function sampleAt(at: number): Sample {
  return {
    at,
    received: { nfs: 10 },
    calls: { nfs: 2, ...(at % 2 === 0 ? { http: 1 } : {}) },
    retransmits: 1,
    stages: { up: at },
    failed: 0,
    serverCpu: 0.5,
    serverRss: at,
    loadCpu: at % 2,
    loadBusy: at % 2,
    machineCpu: 2,
  };
}

describe("samples of a storm", () => {
  test("few are kept as they are", () => {
    const samples = new Samples();
    for (const at of [1, 2, 3]) samples.add(sampleAt(at));
    expect(samples.all()).toEqual([1, 2, 3].map(sampleAt));
  });

  test("of a long storm they are joined: what came adds up, what is so is as at last", () => {
    const samples = new Samples();
    const count = STORM_SAMPLES_MAX * 5 + 3;
    for (let at = 1; at <= count; at += 1) samples.add(sampleAt(at));
    const all = samples.all();
    expect(all.length).toBeLessThanOrEqual(STORM_SAMPLES_MAX);
    expect(all.length).toBeGreaterThan(STORM_SAMPLES_MAX / 2);
    const sum = (of: (sample: Sample) => number): number =>
      all.reduce((total, sample) => total + of(sample), 0);
    expect(sum(({ received }) => received.nfs ?? 0)).toBe(count * 10);
    expect(sum(({ calls }) => calls.http ?? 0)).toBe(Math.floor(count / 2));
    expect(sum(({ retransmits }) => retransmits)).toBe(count);
    expect(all.at(-1)).toMatchObject({ at: count, stages: { up: count }, serverRss: count });
    expect(all[0]).toMatchObject({ loadCpu: 0.5, loadBusy: 1, serverCpu: 0.5, machineCpu: 2 });
    const times = all.map(({ at }) => at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });
});
