import type { Sample, StormResult } from "../../result.ts";
import { modelOf, type Room } from "./model.ts";
import { outcomeIn } from "./outcome.ts";
import type { Start } from "./simulate.ts";
import { startsOf } from "./starts.ts";

const FOLDS = 4;

/** What a byte costs servers on one link and on another: by so much it differed where both were measured. */
const BYTE_COST_RANGE = 2;

/** The same storm again on the same machine was seen to take so much more or less: nothing is known better. */
const RUNS_DIFFER = 0.15;

/** Servers that worked for so short a time compiled their code meanwhile: a call then took up to a third more than later. */
const SHORT_SECONDS = 5;
const SHORT_RUNS_DIFFER = 0.3;

/** Calls of the run took more than they will where there are many more. */
export function isShort({ server }: Pick<StormResult, "server">): boolean {
  return server !== undefined && server.cpuSeconds < SHORT_SECONDS;
}

/** A link of the storm's own carries frames one by one; loopback, and cards of faster links, have pieces of up to 64 KiB. */
export function byteCostIn({ options }: StormResult, { bitsPerSecond }: Room): number {
  const measured = options.link?.bitsPerSecond ?? Number.POSITIVE_INFINITY;
  return (bitsPerSecond ?? Number.POSITIVE_INFINITY) > measured ? 1 / BYTE_COST_RANGE : 1;
}

/**
 * The worst of what can be known: how far the model is off on the measured run itself, at its end and at every stage, from
 * all samples and with each quarter of them unseen; how far these are from each other in the room that is asked for; and,
 * on another link than the measured one, what it makes there of bytes that cost less or more. No less than what two runs
 * of the same storm differ by, or short ones from long ones.
 */
export function errorOf(
  result: StormResult,
  room: Room,
  starts: readonly Start[],
  seconds: number,
): number {
  const folds = Array.from({ length: FOLDS + 1 }, (_, left) =>
    result.series.filter((_sample, index) => index % FOLDS !== left),
  );
  const byteCost = byteCostIn(result, room);
  const off = (samples: readonly Sample[], cost: number): number => {
    const model = modelOf(result, samples, cost);
    return model === undefined ? 1 : Math.abs(outcomeIn(room, model, starts).seconds / seconds - 1);
  };
  const errors = folds.flatMap((samples) => [ownErrorOf(result, samples), off(samples, byteCost)]);
  if (room.bitsPerSecond !== result.options.link?.bitsPerSecond) {
    errors.push(off(result.series, byteCost / BYTE_COST_RANGE));
    errors.push(off(result.series, byteCost * BYTE_COST_RANGE));
  }
  return Math.max(isShort(result) ? SHORT_RUNS_DIFFER : RUNS_DIFFER, ...errors);
}

/** On the run itself: the load was on the same machine, and took its processors. */
function ownErrorOf(result: StormResult, samples: readonly Sample[]): number {
  const model = modelOf(result, samples);
  if (model === undefined) return 1;
  const { link, nodes } = result.options;
  const room = {
    bitsPerSecond: link?.bitsPerSecond,
    latencyMs: link?.latencyMs ?? 0,
    isShared: true,
  };
  const { parts } = outcomeIn(room, model, startsOf(result, nodes, nodes));
  const off = parts.map(({ until, seconds }) => {
    const reached = result.nodes.flatMap((node) => node.reached[until] ?? []);
    const last = reached.reduce((latest, at) => Math.max(latest, at), 0);
    return reached.length === 0 ? 0 : Math.abs(seconds - last) / result.seconds;
  });
  return Math.max(...off);
}
