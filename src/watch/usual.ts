import { USUAL_BOOTS_MIN } from "../limits.ts";
import type { PastBoot } from "./past.ts";
import { medianOf, quantileOf } from "./quantile.ts";
import { type Stage, stages } from "./timeline.ts";

/** How long boots took before: milliseconds from the beginning until a stage was reached. */
export interface Usual {
  /** Whose boots they were. */
  readonly of: "node" | "tree" | "room";
  readonly boots: number;
  /** Until it was up: the middle one, and what 19 of 20 kept. */
  readonly medianMs: number;
  readonly p95Ms: number;
  /** The middle one of each stage. */
  readonly reached: ReadonlyMap<Stage, number>;
}

/** Of those that came up. Undefined: too few to say. */
export function usualOf(of: Usual["of"], boots: readonly PastBoot[]): Usual | undefined {
  const done = boots.filter(({ reached }) => reached.has("up"));
  if (done.length < USUAL_BOOTS_MIN) return undefined;
  const times = done.flatMap(({ reached }) => reached.get("up") ?? []);
  const [medianMs, p95Ms] = [medianOf(times), quantileOf(times, 0.95)];
  if (medianMs === undefined || p95Ms === undefined) return undefined;
  const reached = stages.flatMap((stage): [Stage, number][] => {
    const median = medianOf(done.flatMap((boot) => boot.reached.get(stage) ?? []));
    return median === undefined ? [] : [[stage, median]];
  });
  return { of, boots: times.length, medianMs, p95Ms, reached: new Map(reached) };
}

/** Beyond what nearly all boots took, and by so much that it is no chance. */
const SLOWER_TIMES = 1.2;
const SLOWER_MS = 2000;

/** `ms`: what the boot took, or has taken so far. */
export function isSlower(ms: number, { medianMs, p95Ms }: Usual): boolean {
  return ms > p95Ms && ms > medianMs * SLOWER_TIMES && ms > medianMs + SLOWER_MS;
}
