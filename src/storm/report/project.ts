import type { Sample, StormResult } from "../result.ts";
import { bootSeconds } from "./figures.ts";
import { bitRateText, countText, percentText, secondsText } from "./format.ts";
import { lastEnd, type Station, throughputs } from "./queue.ts";
import { callsOf, PAYLOAD_SHARE, receivedOf, totalOf } from "./series.ts";

/** How long a storm would take that this machine cannot make: a model of queues, from what one took that it made. */

/** What is not said is as it was. */
export interface Wanted {
  readonly nodes?: number;
  readonly bitsPerSecond?: number;
  /** Each on a machine and a link of its own, with its share of the nodes. */
  readonly servers?: number;
}

export interface Projection {
  readonly nodes: number;
  readonly bitsPerSecond: number | undefined;
  readonly servers: number;
  /** From the first node's start to the last one's end. */
  readonly seconds: number;
  /** How far the model is off where the answer is known, relative: the measured run, a quarter of it unseen each time. */
  readonly error: number;
  /** Which takes longest: what more nodes wait for. */
  readonly by: "link" | "server" | "nodes";
  readonly assumptions: readonly string[];
}

/** What one node takes, of each thing that all share. */
interface Demand {
  readonly bits: number;
  readonly serverCpu: number;
  readonly loadCpu: number;
  /** Seconds that it takes by itself, whatever the servers do. */
  readonly own: number;
}

const FOLDS = 4;

/** Undefined: too little was measured, or nothing came up. */
export function project(result: StormResult, wanted: Wanted): Projection | undefined {
  const demand = demandOf(result, result.series);
  if (demand === undefined) return undefined;
  const { nodes = result.options.nodes, servers = 1 } = wanted;
  const bitsPerSecond = wanted.bitsPerSecond ?? result.options.link?.bitsPerSecond;
  const each = Math.ceil(nodes / servers);
  const stations = [...linkStation(demand, bitsPerSecond), serverStation(result, demand)];
  const seconds = lastEnd(startsOf(result, nodes, each), throughputs(each, demand.own, stations));
  const perServer = stations.map((station) => (station.demand / station.servers) * each);
  const [link = 0, server = 0] = stations.length === 2 ? perServer : [0, ...perServer];
  return {
    nodes,
    bitsPerSecond,
    servers,
    seconds,
    error: errorOf(result),
    by: demand.own > Math.max(link, server) ? "nodes" : link > server ? "link" : "server",
    assumptions: assumptionsOf(result, demand, { nodes, servers, bitsPerSecond }),
  };
}

/** From these samples; bytes and time of their own are those of the whole run. */
function demandOf(result: StormResult, samples: readonly Sample[]): Demand | undefined {
  const { options, up } = result;
  const fastest = Math.min(...bootSeconds(result));
  const work = workOf(result, samples);
  if (up === 0 || work <= 0 || result.server === undefined) return undefined;
  const cpu = (value: (sample: Sample) => number): number =>
    cpuSeconds(result, samples, value) / (work * options.nodes);
  const roundTrip = (2 * (options.link?.latencyMs ?? 0)) / 1000;
  const alone = (options.ownSeconds ?? fastest) + (roundTrip * callsOf(result)) / options.nodes;
  return {
    bits: (receivedOf(result) * 8) / options.nodes,
    serverCpu: cpu((sample) => sample.serverCpu ?? 0),
    loadCpu: cpu((sample) => sample.loadCpu),
    own: Math.min(alone, fastest),
  };
}

/** 0 to 1: the part of the run's calls and bytes that came in these samples. */
function workOf(result: StormResult, samples: readonly Sample[]): number {
  const calls = callsOf(result) || 1;
  const received = receivedOf(result) || 1;
  return samples.reduce(
    (total, sample) =>
      total + totalOf(sample.calls) / calls / 2 + totalOf(sample.received) / received / 2,
    0,
  );
}

function cpuSeconds(
  { series }: StormResult,
  samples: readonly Sample[],
  value: (sample: Sample) => number,
): number {
  const wanted = new Set(samples);
  let before = 0;
  return series.reduce((total, sample) => {
    const seconds = sample.at - before;
    before = sample.at;
    return wanted.has(sample) ? total + value(sample) * seconds : total;
  }, 0);
}

function linkStation({ bits }: Demand, bitsPerSecond: number | undefined): Station[] {
  if (bitsPerSecond === undefined) return [];
  return [{ demand: bits / (bitsPerSecond * PAYLOAD_SHARE), servers: 1 }];
}

/** As many of the machine's processors as the servers were seen to use at once, at least one. */
function serverStation({ machine, series }: StormResult, { serverCpu }: Demand): Station {
  const most = series.reduce((peak, sample) => Math.max(peak, sample.serverCpu ?? 0), 0);
  return { demand: serverCpu, servers: Math.min(machine.cpus, Math.max(1, Math.round(most))) };
}

/** The run itself: the load was on the same machine, and took its processors. */
function ownSeconds(result: StormResult, demand: Demand): number {
  const { options, machine } = result;
  const stations = [
    ...linkStation(demand, options.link?.bitsPerSecond),
    serverStation(result, demand),
    { demand: demand.loadCpu, servers: options.workers },
  ];
  const most = machine.cpus / Math.max(1e-9, demand.serverCpu + demand.loadCpu);
  const through = throughputs(options.nodes, demand.own, stations).map((rate) =>
    Math.min(rate, most),
  );
  return lastEnd(startsOf(result, options.nodes, options.nodes), through);
}

/** Every other quarter's demands say how long it took: the worst of them, which is no less than the whole's. */
function errorOf(result: StormResult): number {
  const kept = Array.from({ length: FOLDS + 1 }, (_, left) =>
    result.series.filter((_sample, index) => index % FOLDS !== left),
  );
  const errors = kept.map((samples) => {
    const demand = demandOf(result, samples);
    if (demand === undefined) return 1;
    return Math.abs(ownSeconds(result, demand) / result.seconds - 1);
  });
  return Math.max(...errors);
}

/** Of the nodes of one server. More nodes come as they came: in the same time, or at the same rate where that was said. */
function startsOf(result: StormResult, nodes: number, each: number): number[] {
  const starts = result.nodes.map(({ startedAt }) => startedAt).toSorted((a, b) => a - b);
  const isRate = /^(?:poisson|racks)/.test(result.options.arrival);
  const stretch = isRate ? nodes / starts.length : 1;
  return Array.from(
    { length: each },
    (_, index) => (starts[Math.floor((index * starts.length) / each)] ?? 0) * stretch,
  );
}

function assumptionsOf(
  result: StormResult,
  demand: Demand,
  { nodes, servers, bitsPerSecond }: Pick<Projection, "nodes" | "servers" | "bitsPerSecond">,
): string[] {
  const { options, machine } = result;
  const used = serverStation(result, demand).servers;
  const times = nodes / servers / options.nodes;
  return [
    `a node takes ${secondsText(demand.own)} by itself, ${secondsText(demand.serverCpu)} of the servers’ processors and ${countText(Math.round(demand.bits / 8e6))} MB`,
    `each server has a machine like this one, of which it uses ${used} of ${machine.cpus} processors, and nodes cost it nothing but their calls`,
    bitsPerSecond === undefined
      ? "the network is no limit"
      : `each server has a link of ${bitRateText(bitsPerSecond)}, of which ${percentText(PAYLOAD_SHARE)} is payload`,
    ...(times > 1 ? [`${times.toFixed(1)} times as many nodes a server as were measured`] : []),
  ];
}

/** `5,000 nodes, 10 Gb/s, 2 servers: 182 s ± 12 % (limit: the servers’ processors)` */
export function projectionText(projection: Projection): string {
  const { nodes, bitsPerSecond, servers, seconds, error, by } = projection;
  const room = [
    `${countText(nodes)} nodes`,
    ...(bitsPerSecond === undefined ? [] : [bitRateText(bitsPerSecond)]),
    `${countText(servers)} server${servers === 1 ? "" : "s"}`,
  ];
  const limits = {
    link: "the link",
    server: "the servers’ processors",
    nodes: "the nodes’ own time",
  };
  return `${room.join(", ")}: ${secondsText(seconds)}, give or take ${percentText(error)}; most of it is ${limits[by]}`;
}
