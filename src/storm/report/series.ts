import { REPORT_POINTS_MAX } from "../../limits.ts";
import { type StormProtocol, stormProtocols } from "../client.ts";
import { type Sample, type StormResult, type StormStage, stormStages } from "../result.ts";

/** What the charts are drawn from: samples, put together where there are more than anybody can see. */
export interface Point {
  /** Seconds after the storm began; it covers the time from the point before. */
  readonly at: number;
  readonly seconds: number;
  /** Bytes and calls a second. */
  readonly received: Readonly<Partial<Record<StormProtocol, number>>>;
  readonly calls: Readonly<Partial<Record<StormProtocol, number>>>;
  readonly retransmits: number;
  /** The last sample that it is made of, for what is so at one time. */
  readonly last: Sample;
  readonly serverCpu: number | undefined;
  readonly loadCpu: number;
  readonly loadBusy: number;
  readonly machineCpu: number;
}

/** A sample, and the seconds since the one before. */
interface Spanned {
  readonly sample: Sample;
  readonly seconds: number;
}

/** The last one is taken whenever the storm ends: of a few ms nothing can be said. */
const SHORT_SECONDS = 0.2;

export function pointsOf({ series }: StormResult): Point[] {
  const each = Math.max(1, Math.ceil(series.length / REPORT_POINTS_MAX));
  const groups: Spanned[][] = [];
  for (const [index, sample] of series.entries()) {
    const seconds = sample.at - (series[index - 1]?.at ?? 0);
    const isShort = index === series.length - 1 && seconds < SHORT_SECONDS;
    const group = groups.at(-1);
    if (group !== undefined && (index % each !== 0 || isShort)) group.push({ sample, seconds });
    else groups.push([{ sample, seconds }]);
  }
  return groups.flatMap(pointOf);
}

function pointOf(samples: readonly Spanned[]): Point[] {
  const last = samples.at(-1)?.sample;
  const seconds = samples.reduce((total, one) => total + one.seconds, 0);
  if (last === undefined || !(seconds > 0)) return [];
  const sum = (value: (sample: Sample) => number | undefined): number =>
    samples.reduce((total, { sample }) => total + (value(sample) ?? 0), 0);
  const mean = (value: (sample: Sample) => number | undefined): number =>
    samples.reduce((total, one) => total + (value(one.sample) ?? 0) * one.seconds, 0) / seconds;
  const rates = (of: "received" | "calls"): Point["received"] =>
    Object.fromEntries(
      stormProtocols.map((name) => [name, sum((sample) => sample[of][name]) / seconds]),
    );
  const point: Point = {
    at: last.at,
    seconds,
    received: rates("received"),
    calls: rates("calls"),
    retransmits: sum((sample) => sample.retransmits) / seconds,
    last,
    serverCpu: last.serverCpu === undefined ? undefined : mean((sample) => sample.serverCpu),
    loadCpu: mean((sample) => sample.loadCpu),
    loadBusy: Math.max(...samples.map(({ sample }) => sample.loadBusy)),
    machineCpu: mean((sample) => sample.machineCpu),
  };
  return [point];
}

export function totalOf(values: Readonly<Partial<Record<string, number>>>): number {
  return Object.values(values).reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** In order; those that the storm did not speak are left out. */
export function protocolsOf(result: StormResult): StormProtocol[] {
  return stormProtocols.filter((name) => (result.protocols[name]?.calls ?? 0) > 0);
}

export function stagesOf(result: StormResult): StormStage[] {
  return stormStages.filter((stage) =>
    result.nodes.some((node) => node.reached[stage] !== undefined),
  );
}

/** Of all nodes, and everything that they received. */
export function receivedOf(result: StormResult): number {
  return protocolsOf(result).reduce(
    (total, name) => total + (result.protocols[name]?.received ?? 0),
    0,
  );
}

export function callsOf(result: StormResult): number {
  return protocolsOf(result).reduce(
    (total, name) => total + (result.protocols[name]?.calls ?? 0),
    0,
  );
}

export function retransmitsOf(result: StormResult): number {
  return protocolsOf(result).reduce(
    (total, name) => total + (result.protocols[name]?.retransmits ?? 0),
    0,
  );
}

/**
 * Payload's share of a full frame of TCP on Ethernet: 1,448 bytes of 1,538 (IEEE 802.3: preamble, addresses, FCS, gap;
 * RFC 7323's timestamps are in every segment).
 */
export const PAYLOAD_SHARE = 1448 / 1538;

/** Bits of payload that the link carries in a second at most. */
export function linkPayload(result: StormResult): number | undefined {
  const rate = result.options.link?.bitsPerSecond;
  return rate === undefined ? undefined : rate * PAYLOAD_SHARE;
}

/** The value below which that part of them is; NaN of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return (
    sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ??
    sorted[0] ??
    Number.NaN
  );
}
