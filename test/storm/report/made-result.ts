import type { NodeResult, Sample, StormResult, StormStage } from "../../../src/storm/result.ts";
import { stormStages } from "../../../src/storm/result.ts";

/** Results as storms have them, made by hand: the same for the same seed. */

interface Made {
  readonly nodes: number;
  readonly seed?: number;
  /** Nodes at the end that do not come up. */
  readonly failed?: number;
  readonly link?: { bitsPerSecond: number; latencyMs?: number; loss?: number };
  readonly incidents?: StormResult["incidents"];
  readonly change?: Partial<StormResult>;
}

/** Seconds of the stages, from the one before. */
const lengths: Record<StormStage, number> = {
  dhcp: 0.3,
  loader: 1.2,
  kernel: 4,
  root: 7,
  volume: 1,
  up: 12,
};
const PERIOD = 0.25;
const NODE_BYTES = { dhcp: 1500, tftp: 900_000, http: 31e6, mount: 900, nfs: 34e6, iscsi: 0.4e6 };
const NODE_CALLS = { dhcp: 2, tftp: 4, http: 5, mount: 4, nfs: 4100, iscsi: 120 };

/** Each node's bytes come evenly in the stage that brings them. */
const broughtBy = {
  dhcp: "dhcp",
  tftp: "loader",
  http: "kernel",
  mount: "root",
  nfs: "up",
  iscsi: "volume",
} as const;

/** On the way to a stage: what `broughtBy` says, and two thirds of the time it takes by itself. */
const madePhases: StormResult["phases"] = stormStages.map((until) => {
  const here = (["dhcp", "tftp", "http", "mount", "nfs", "iscsi"] as const).filter(
    (name) => broughtBy[name] === until,
  );
  return {
    until,
    own: (lengths[until] * 2) / 3,
    rounds: here.reduce((total, name) => total + NODE_CALLS[name], 0),
    calls: Object.fromEntries(here.map((name) => [name, NODE_CALLS[name]])),
    received: Object.fromEntries(here.map((name) => [name, NODE_BYTES[name]])),
  };
});

export function madeResult(made: Made): StormResult {
  const { nodes: count, seed = 1, failed = 0, link, incidents = [] } = made;
  const random = mulberry32(seed);
  const nodes = Array.from({ length: count }, (_, index) =>
    madeNode(index, index >= count - failed, random),
  );
  const end = Math.max(...nodes.flatMap(({ reached }) => Object.values(reached)));
  const series = madeSeries(nodes, end, random);
  const sum = (of: "received" | "calls", name: keyof typeof NODE_BYTES): number =>
    nodes.reduce((total, node) => total + (node[of][name] ?? 0), 0);
  return {
    sidus: "storm",
    version: 1,
    begunAt: "2026-11-21T20:00:00.000Z",
    title: `${count} nodes, BIOS, tmpfs`,
    machine: {
      cpus: 2,
      processor: "Some processor at 2.5 GHz",
      memory: 24e9,
      kernel: "Linux 6.12.0",
      node: "v26.10.0",
      sidus: "0.1.0",
    },
    options: {
      nodes: count,
      arrival: "all",
      trace: "BIOS, tmpfs",
      think: 1,
      seed,
      workers: 1,
      servers: { dhcp: "10.13.0.1:67", tftp: "10.13.0.1:69", iscsi: "left out" },
      ...(link === undefined ? {} : { link }),
    },
    seconds: end,
    up: count - failed,
    failed,
    nodes,
    stages: Object.fromEntries(
      stormStages.map((stage) => [
        stage,
        percentilesOf(
          nodes.flatMap(({ reached, startedAt }) => {
            const at = reached[stage];
            return at === undefined ? [] : [at - startedAt];
          }),
        ),
      ]),
    ),
    protocols: Object.fromEntries(
      (["dhcp", "tftp", "http", "mount", "nfs", "iscsi"] as const).map((name) => [
        name,
        {
          calls: sum("calls", name),
          received: sum("received", name),
          sent: sum("calls", name) * 120,
          retransmits: name === "dhcp" ? nodes.reduce((n, node) => n + node.retransmits, 0) : 0,
          complaints: name === "nfs" && failed > 0 ? { "status 10008": failed } : {},
          operations: name === "nfs" ? { READ: 900 * count, LOOKUP: 3200 * count } : { all: count },
          latency: { count: sum("calls", name), p50: 0.6, p95: 4.2, p99: 18, max: 140 },
        },
      ]),
    ),
    phases: madePhases,
    series,
    server: { cpuSeconds: count * 0.21, rssMax: 180e6 + count * 0.4e6 },
    load: { cpuSeconds: count * 0.15, busyMax: Math.max(...series.map((one) => one.loadBusy)) },
    verified: {
      bytes: count * 60e6,
      differences: failed,
      examples: failed > 0 ? ["nfs etc/<passwd> & 'shadow' at 0: 4,096 bytes"] : [],
    },
    files: { asRecorded: 812, renamed: 3, replaced: 1, examples: ["boot/vmlinuz-6.1.0 → 6.12.0"] },
    incidents: [...incidents],
    ...made.change,
  };
}

function madeNode(index: number, fails: boolean, random: () => number): NodeResult {
  const startedAt = (index % 7) * 0.02;
  let at = startedAt;
  const pace = 0.85 + random() * 0.3;
  const reached: NodeResult["reached"] = {};
  for (const stage of stormStages) {
    if (fails && stage === "volume") break;
    at += lengths[stage] * pace * (0.9 + random() * 0.2);
    reached[stage] = at;
  }
  const digits = index.toString(16).padStart(4, "0");
  return {
    name: `node${index + 1}`,
    mac: `02:00:00:00:${digits.slice(0, 2)}:${digits.slice(2)}`,
    address: `10.13.${128 + (index >> 8)}.${index & 255}`,
    startedAt,
    reached,
    ...(fails ? { failure: "nothing answered for 120 s: nfs READ" } : {}),
    received: { ...NODE_BYTES },
    calls: { ...NODE_CALLS },
    retransmits: random() < 0.05 ? 1 : 0,
  };
}

function madeSeries(nodes: readonly NodeResult[], end: number, random: () => number): Sample[] {
  const names = Object.keys(broughtBy) as (keyof typeof broughtBy)[];
  return Array.from({ length: Math.ceil(end / PERIOD) }, (_, index) => {
    const at = (index + 1) * PERIOD;
    const shareOf = (node: NodeResult, stage: StormStage): number => {
      const [from, to] = spanOf(node, stage);
      return Math.max(0, Math.min(at, to) - Math.max(at - PERIOD, from)) / (to - from || 1);
    };
    const sum = (each: Record<string, number>, name: keyof typeof broughtBy): number =>
      nodes.reduce((total, node) => total + (each[name] ?? 0) * shareOf(node, broughtBy[name]), 0);
    const received = Object.fromEntries(names.map((name) => [name, sum(NODE_BYTES, name)]));
    const calls = Object.fromEntries(names.map((name) => [name, sum(NODE_CALLS, name)]));
    const stages: Record<string, number> = {};
    let failed = 0;
    for (const node of nodes) {
      const furthest = stormStages.findLast((stage) => (node.reached[stage] ?? Infinity) <= at);
      if (node.failure !== undefined && furthest === "root" && at > 20) failed++;
      else {
        const name = furthest ?? (node.startedAt > at ? "waiting" : "started");
        stages[name] = (stages[name] ?? 0) + 1;
      }
    }
    const mega = Object.values(received).reduce((total, value) => total + value, 0) / PERIOD / 1e6;
    const serverCpu = Math.min(1.1, mega * 0.004 + random() * 0.05);
    const loadCpu = Math.min(0.8, mega * 0.003 + random() * 0.04);
    return {
      at,
      received,
      calls,
      retransmits: random() < 0.05 ? 3 : 0,
      stages,
      failed,
      serverCpu,
      serverRss: 180e6 + Math.min(index, 40) * 2e6,
      loadCpu,
      loadBusy: Math.min(1, loadCpu),
      machineCpu: Math.min(2, serverCpu + loadCpu + 0.1),
    };
  });
}

function spanOf(node: NodeResult, stage: StormStage): [from: number, to: number] {
  const index = stormStages.indexOf(stage);
  const before = stormStages.slice(0, index).findLast((one) => node.reached[one] !== undefined);
  const from = before === undefined ? node.startedAt : (node.reached[before] ?? 0);
  return [from, node.reached[stage] ?? from];
}

function percentilesOf(values: readonly number[]): StormResult["stages"]["up"] {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (part: number): number => sorted[Math.ceil(part * sorted.length) - 1] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** A generator of 32 bits of state, by its usual name. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
