import { PROJECTED_STARTS_MAX } from "../../../limits.ts";
import type { StormResult } from "../../result.ts";
import type { Start } from "./simulate.ts";

/** Nobody sees that nodes did not start together that started within it. */
const TOGETHER_SECONDS = 0.1;

/** Of the nodes of one server. More nodes come as they came: in the same time, or at the same rate where that was said. */
export function startsOf(result: StormResult, nodes: number, each: number): Start[] {
  const measured = result.nodes.map(({ startedAt }) => startedAt).toSorted((a, b) => a - b);
  const isRate = /^(?:poisson|racks)/.test(result.options.arrival);
  const stretch = isRate ? nodes / measured.length : 1;
  const span = ((measured.at(-1) ?? 0) - (measured[0] ?? 0)) * stretch;
  const width = Math.max(TOGETHER_SECONDS, span / PROJECTED_STARTS_MAX);
  const starts: { at: number; nodes: number }[] = [];
  let begun = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < each; index++) {
    const at = (measured[Math.floor((index * measured.length) / each)] ?? 0) * stretch;
    const last = starts.at(-1);
    if (last !== undefined && at - begun < width) {
      last.at = at;
      last.nodes += 1;
    } else {
      begun = at;
      starts.push({ at, nodes: 1 });
    }
  }
  return starts;
}
