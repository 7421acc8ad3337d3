import { z } from "zod";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { HISTORY_DAYS } from "../limits.ts";
import type { BootTime, PastBoots } from "../watch/past.ts";
import { medianOf, quantileOf } from "../watch/quantile.ts";
import { type Stage, stages } from "../watch/timeline.ts";
import { inSeconds, secondsOf } from "./status-answer.ts";

/** Of several boots: how many there were, how many came up, and how long those took. */
const summary = {
  boots: z.number(),
  up: z.number(),
  /** Seconds until they were up. */
  median: z.number().optional(),
  p95: z.number().optional(),
};

/** What /history.json answers. */
export const historyShape = z.object({
  /** Of the server's calendar, the latest first. */
  days: z.array(z.object({ day: z.string(), today: z.boolean(), ...summary })),
  nodes: z.array(
    z.object({
      mac: z.string(),
      name: z.string().optional(),
      ...summary,
      /** Milliseconds since 1970. */
      lastAt: z.number(),
      /** Of the last one, if it came up. */
      last: z.number().optional(),
    }),
  ),
});
export type HistoryShown = z.infer<typeof historyShape>;

/** What /history.json?mac=… answers. */
export const nodeHistoryShape = z.object({
  mac: z.string(),
  name: z.string().optional(),
  boots: z.array(
    z.object({
      beganAt: z.number(),
      /** The last one that it reached. */
      stage: z.string(),
      seconds: z.record(z.string(), z.number()),
      tree: z.string().optional(),
      digest: z.string().optional(),
    }),
  ),
});
export type NodeHistoryShown = z.infer<typeof nodeHistoryShape>;

export interface HistoryDeps {
  readonly past: PastBoots;
  readonly nameOf: (mac: MacAddress) => string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function historyOf({ past, nameOf, now }: HistoryDeps): HistoryShown {
  const boots = past.times();
  const today = dayOf(now);
  const days = [...Map.groupBy(boots, ({ beganAt }) => dayOf(beganAt))].slice(0, HISTORY_DAYS);
  const nodes = [...Map.groupBy(boots, ({ mac }) => mac)];
  return {
    days: days.map(([day, of]) => ({ day, today: day === today, ...summaryOf(of) })),
    nodes: nodes.map(([mac, of]) => ({
      mac: formatMac(mac),
      name: nameOf(mac),
      ...summaryOf(of),
      lastAt: of[0]?.beganAt ?? 0,
      last: secondsUp(of[0]),
    })),
  };
}

export function nodeHistoryOf(
  mac: MacAddress,
  { past, nameOf }: Omit<HistoryDeps, "now">,
): NodeHistoryShown {
  return {
    mac: formatMac(mac),
    name: nameOf(mac),
    boots: past.of(mac).map(({ beganAt, tree, digest, reached }) => ({
      beganAt,
      stage: lastStageOf(reached),
      seconds: secondsOf(reached),
      tree,
      digest,
    })),
  };
}

function summaryOf(boots: readonly BootTime[]) {
  const times = boots.flatMap((boot) => secondsUp(boot) ?? []);
  return {
    boots: boots.length,
    up: times.length,
    median: medianOf(times),
    p95: quantileOf(times, 0.95),
  };
}

function secondsUp(boot: BootTime | undefined): number | undefined {
  return boot?.upMs === undefined ? undefined : inSeconds(boot.upMs);
}

function lastStageOf(reached: ReadonlyMap<Stage, number>): string {
  return stages.findLast((stage) => reached.has(stage)) ?? "heard";
}

/** `2026-01-31`, where the server is. */
function dayOf(epochMs: number): string {
  const date = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
