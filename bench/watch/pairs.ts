import type { LoadResult } from "../load.ts";
import { median, renderTable, type Work } from "../table.ts";

/** One turn. */
export type Slice = Pick<
  LoadResult,
  "calls" | "bytes" | "seconds" | "serverCpu" | "loadCpu" | "errors"
>;

/** What was measured in turns: a round. */
export interface Slices {
  readonly off: readonly Slice[];
  readonly on: readonly Slice[];
}

/** A median and the interval that holds it with 95 %; undefined: of fewer than six there is none. */
export interface Estimate {
  readonly median: number;
  readonly interval: readonly [number, number] | undefined;
}

export interface Compared {
  readonly work: Work;
  /** In the work's unit. */
  readonly off: number;
  readonly on: number;
  readonly ratio: Estimate;
  /** Of the server's, in µs a call or a megabyte. */
  readonly cpuOff: number;
  readonly cpuOn: number;
  readonly cpuRatio: Estimate;
  /**
   * What watching used of a processor, as a share of it: all that the server used, less what its calls cost without.
   * Mostly it is so much a second, whatever is asked; so this holds where others keep the server from running,
   * too, while the ratio then says more than a saturated server loses.
   */
  readonly share: Estimate;
  /** What the load used, in processors: with one thread near 1, it was the load that was measured. */
  readonly loadBusy: number;
  readonly errors: number;
}

export function compared(work: Work, rounds: readonly Slices[]): Compared {
  const each = (value: (round: Slices) => number): number[] => rounds.map(value);
  const all = rounds.flatMap(({ off, on }) => [...off, ...on]);
  return {
    work,
    off: median(each(({ off }) => rate(work, off))),
    on: median(each(({ on }) => rate(work, on))),
    ratio: estimate(ratiosOf(work, rounds)),
    cpuOff: median(each(({ off }) => cpuUs(work, off))),
    cpuOn: median(each(({ on }) => cpuUs(work, on))),
    cpuRatio: estimate(each(({ off, on }) => cpuUs(work, on) / cpuUs(work, off))),
    share: estimate(
      each(({ off, on }) => ((cpuUs(work, on) - cpuUs(work, off)) * rate(work, on)) / 1e6),
    ),
    loadBusy: sum(all, ({ loadCpu }) => loadCpu) / sum(all, ({ seconds }) => seconds),
    errors: sum(all, ({ errors }) => errors),
  };
}

/** Of each round: throughput while it is watched, by that without. */
export function ratiosOf(work: Work, rounds: readonly Slices[]): number[] {
  return rounds.map(({ off, on }) => rate(work, on) / rate(work, off));
}

function rate(work: Work, slices: readonly Slice[]): number {
  return done(work, slices) / sum(slices, ({ seconds }) => seconds);
}

function cpuUs(work: Work, slices: readonly Slice[]): number {
  return (sum(slices, ({ serverCpu }) => serverCpu) * 1e6) / done(work, slices);
}

function done({ unit }: Work, slices: readonly Slice[]): number {
  return sum(slices, ({ bytes, calls }) => (unit === "MB/s" ? bytes / 1e6 : calls));
}

function sum<Item>(items: readonly Item[], value: (item: Item) => number): number {
  return items.reduce((all, item) => all + value(item), 0);
}

/**
 * The interval of the sign test: whatever the scatter is like, the median lies between the k-th smallest and the k-th
 * largest of n, unless fewer than k of n throws of a coin are heads; k such that this happens in 2.5 % at most, each way.
 */
export function estimate(values: readonly number[]): Estimate {
  const sorted = [...values].sort((a, b) => a - b);
  let heads = 0.5 ** sorted.length;
  let chance = heads;
  let k = 0;
  while (chance <= 0.025) {
    k += 1;
    heads *= (sorted.length - k + 1) / k;
    chance += heads;
  }
  const [low, high] = [sorted[k - 1], sorted[sorted.length - k]];
  const interval = low === undefined || high === undefined ? undefined : ([low, high] as const);
  return { median: median(sorted), interval };
}

export function renderCompared(rows: readonly Compared[]): string {
  const head = [
    "work",
    "unit",
    "without",
    "watched",
    "watched:without",
    "CPU µs without",
    "watched",
  ];
  return renderTable([
    [...head, "CPU watched:without", "of a processor", "load busy", "errors"],
    ...rows.map((row) => [
      row.work.title,
      row.work.unit,
      ...[row.off, row.on].map((value) => Math.round(value).toLocaleString("en")),
      renderEstimate(row.ratio),
      ...[row.cpuOff, row.cpuOn].map((value) => value.toFixed(2)),
      renderEstimate(row.cpuRatio),
      renderEstimate(row.share),
      `${(row.loadBusy * 100).toFixed(0)}%`,
      String(row.errors),
    ]),
  ]);
}

/** `0.985 (0.978 to 0.992)` */
export function renderEstimate({ median: middle, interval }: Estimate, digits = 3): string {
  if (interval === undefined) return middle.toFixed(digits);
  return `${middle.toFixed(digits)} (${interval.map((bound) => bound.toFixed(digits)).join(" to ")})`;
}
