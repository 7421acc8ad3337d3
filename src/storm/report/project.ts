import type { StormResult } from "../result.ts";
import { byteCostIn, errorOf } from "./projection/error.ts";
import { modelOf } from "./projection/model.ts";
import { type Holder, outcomeIn, type ProjectedPart } from "./projection/outcome.ts";
import { startsOf } from "./projection/starts.ts";
import { assumptionsOf } from "./projection/text.ts";
import { quantile } from "./series.ts";

/** How long a storm would take that this machine cannot make: simulated, from what one took that it made. */

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
  /** Of one node, from its own start. */
  readonly boot: { readonly p50: number; readonly p95: number };
  /** How far it may be off, relative. */
  readonly error: number;
  /** What holds nodes up for the longest. */
  readonly by: Holder;
  readonly parts: readonly ProjectedPart[];
  readonly assumptions: readonly string[];
}

/** Undefined: too little was measured, or nothing came up. */
export function project(result: StormResult, wanted: Wanted): Projection | undefined {
  const { nodes = result.options.nodes, servers = 1 } = wanted;
  const { link } = result.options;
  const bitsPerSecond = wanted.bitsPerSecond ?? link?.bitsPerSecond;
  const room = { bitsPerSecond, latencyMs: link?.latencyMs ?? 0, isShared: false };
  const model = modelOf(result, result.series, byteCostIn(result, room));
  if (model === undefined) return undefined;
  const starts = startsOf(result, nodes, Math.ceil(nodes / servers));
  const { ends, seconds, by, parts } = outcomeIn(room, model, starts);
  const boots = starts.flatMap(({ at, nodes: count }, index) =>
    new Array<number>(count).fill((ends[index] ?? at) - at),
  );
  return {
    nodes,
    bitsPerSecond,
    servers,
    seconds,
    boot: { p50: quantile(boots, 0.5), p95: quantile(boots, 0.95) },
    error: errorOf(result, room, starts, seconds),
    by,
    parts,
    assumptions: assumptionsOf(result, model, { nodes, servers, bitsPerSecond }),
  };
}
