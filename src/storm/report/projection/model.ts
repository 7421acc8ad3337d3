import type { Sample, StormResult, StormStage } from "../../result.ts";
import { PAYLOAD_SHARE, protocolsOf, quantile } from "../series.ts";
import { nonNegativeLeastSquares } from "./least-squares.ts";
import type { Piece } from "./simulate.ts";

/** What a run says that each piece of a boot takes of what nodes share, and how much of that there is. */
export interface Model {
  readonly demands: readonly Demand[];
  /** Processors that the servers use at once, where they have enough to do. */
  readonly serverCores: number;
  /** That the load's threads can use, and that load and servers get of this machine together. */
  readonly loadCores: number;
  readonly machineCores: number;
}

/** Of one node, for one piece. Seconds but for bits. */
export interface Demand {
  readonly until: StormStage;
  readonly own: number;
  readonly rounds: number;
  readonly bits: number;
  readonly server: number;
  readonly load: number;
}

/** Where a storm is: what is not limited is undefined. */
export interface Room {
  readonly bitsPerSecond: number | undefined;
  readonly latencyMs: number;
  /** Servers and load have one machine, as in the measured run; else each node brings its own. */
  readonly isShared: boolean;
}

/** In this order in everything that is by resource. */
export const resources = ["link", "server", "load", "machine"] as const;

/** What costs nothing that was measured takes some time still: no pace is without end. */
const INSTANT = 1e-6;

/** Nobody knows what servers could use that never had much to do: a thread at least, and where machines are full. */
const BUSY_PART = 0.95;
const FULL_PART = 0.5;

/**
 * From these samples; undefined: they do not say what servers take, or the run not what a boot is. `byteCost`: times what a
 * byte was seen to cost.
 */
export function modelOf(
  result: StormResult,
  samples: readonly Sample[] = result.series,
  byteCost = 1,
): Model | undefined {
  const { machine, options, phases = [], up, server } = result;
  const features = featuresOf(result);
  const spent = spentIn(result, samples, features);
  if (up === 0 || phases.length === 0 || server === undefined || spent.length === 0)
    return undefined;
  const [serverCosts, loadCosts] = (["server", "load"] as const).map((whose) =>
    costsOf(
      spent.map(({ done }) => done),
      spent.map((one) => one[whose]),
    ).map((cost, index) => (features[index]?.of === "received" ? cost * byteCost : cost)),
  );
  const most = quantile(
    samples.map(({ serverCpu = 0 }) => serverCpu),
    BUSY_PART,
  );
  const together = samples
    .map(({ serverCpu = 0, loadCpu }) => serverCpu + loadCpu)
    .filter((cores) => cores >= FULL_PART * machine.cpus);
  const perNode = phases.map((phase) =>
    features.map(({ name, of, scale }) => (phase[of][name] ?? 0) * scale),
  );
  return {
    demands: phases.map(({ until, own, rounds }, index) => {
      const done = perNode[index] ?? [];
      const bytes = done.filter((_, place) => features[place]?.of === "received");
      return {
        until,
        own,
        rounds,
        bits: 8 * bytes.reduce((total, value) => total + value, 0),
        server: dot(done, serverCosts ?? []),
        load: dot(done, loadCosts ?? []),
      };
    }),
    serverCores: Math.min(machine.cpus, Math.max(1, most)),
    loadCores: Math.min(machine.cpus, options.workers),
    machineCores: together.length === 0 ? machine.cpus : quantile(together, 0.5),
  };
}

/** What a node's processor seconds and bytes come from: calls and bytes of one protocol. */
interface Feature {
  readonly name: ReturnType<typeof protocolsOf>[number];
  readonly of: "calls" | "received";
  /**
   * How many of them a node that came up had for each that the trace has: stages are left out, and a tree's files are
   * larger. More than 0: what the trace has none of goes with what it has.
   */
  readonly scale: number;
}

function featuresOf(result: StormResult): Feature[] {
  const { phases = [], nodes } = result;
  const through = nodes.filter(({ failure }) => failure === undefined);
  return protocolsOf(result).flatMap((name) =>
    (["calls", "received"] as const).flatMap((of) => {
      const traced = phases.reduce((total, phase) => total + (phase[of][name] ?? 0), 0);
      const had = through.reduce((total, node) => total + (node[of][name] ?? 0), 0);
      return traced > 0 && had > 0 ? { name, of, scale: had / through.length / traced } : [];
    }),
  );
}

interface Spent {
  readonly done: readonly number[];
  /** Seconds of processors. */
  readonly server: number;
  readonly load: number;
}

function spentIn(
  { series }: StormResult,
  samples: readonly Sample[],
  features: readonly Feature[],
): Spent[] {
  const wanted = new Set(samples);
  return series.flatMap((sample, index) => {
    const seconds = sample.at - (series[index - 1]?.at ?? 0);
    if (!wanted.has(sample)) return [];
    const done = features.map(({ name, of }) => sample[of][name] ?? 0);
    return [{ done, server: (sample.serverCpu ?? 0) * seconds, load: sample.loadCpu * seconds }];
  });
}

/** Seconds a call and a byte: as they explain the samples best, and all that was spent. */
function costsOf(done: readonly (readonly number[])[], spent: readonly number[]): number[] {
  const costs = nonNegativeLeastSquares(done, spent);
  const explained = done.reduce((total, row) => total + dot(row, costs), 0);
  const all = spent.reduce((total, seconds) => total + seconds, 0);
  return costs.map((cost) => (explained > 0 ? (cost * all) / explained : 0));
}

export function piecesIn(
  { demands }: Model,
  { bitsPerSecond, latencyMs, isShared }: Room,
): Piece[] {
  return demands.map(({ own, rounds, bits, server, load }) => {
    const loaded = isShared ? load : 0;
    const waited = (rounds * 2 * latencyMs) / 1000 + bits / payloadOf(bitsPerSecond);
    return {
      alone: Math.max(INSTANT, own + waited + server + loaded),
      demands: [bits, server, loaded, server + loaded],
    };
  });
}

export function capacitiesIn(model: Model, { bitsPerSecond, isShared }: Room): number[] {
  return [
    payloadOf(bitsPerSecond),
    model.serverCores,
    isShared ? model.loadCores : Number.POSITIVE_INFINITY,
    isShared ? model.machineCores : Number.POSITIVE_INFINITY,
  ];
}

/** Bits of payload a second. */
function payloadOf(bitsPerSecond: number | undefined): number {
  return (bitsPerSecond ?? Number.POSITIVE_INFINITY) * PAYLOAD_SHARE;
}

function dot(one: readonly number[], other: readonly number[]): number {
  return one.reduce((total, value, index) => total + value * (other[index] ?? 0), 0);
}
