import type { StormStage } from "../../result.ts";
import { capacitiesIn, type Model, piecesIn, type Room, resources } from "./model.ts";
import { type Simulated, type Start, simulate } from "./simulate.ts";

/** What holds nodes up. */
export type Holder = "link" | "server" | "nodes";

/** The way to one stage. */
export interface ProjectedPart {
  readonly until: StormStage;
  /** When the last node is there. */
  readonly seconds: number;
  readonly by: Holder;
}

/** What becomes of nodes that start then, in that room. */
export interface Outcome {
  /** By start, in their order: when its nodes are up. */
  readonly ends: readonly number[];
  /** When the last one is, after the first one's start. */
  readonly seconds: number;
  readonly by: Holder;
  readonly parts: readonly ProjectedPart[];
}

export function outcomeIn(room: Room, model: Model, starts: readonly Start[]): Outcome {
  const { demands } = model;
  const simulated = simulate(piecesIn(model, room), starts, capacitiesIn(model, room));
  const ends = simulated.ends.map((of) => of.at(-1) ?? 0);
  const seconds = latest(ends);
  const stages = [...new Set(demands.map(({ until }) => until))];
  const parts = stages.map((until): ProjectedPart => {
    const last = demands.findLastIndex((one) => one.until === until);
    return {
      until,
      seconds: latest(simulated.ends.map((of) => of[last] ?? 0)),
      by: holderOf(simulated.held.filter((_, piece) => demands[piece]?.until === until)),
    };
  });
  return { ends, seconds, by: holderOf(simulated.held), parts };
}

function holderOf(held: Simulated["held"]): Holder {
  const secondsBy = (index: number): number =>
    held.reduce((total, piece) => total + (piece[index] ?? 0), 0);
  const [link, server] = [resources.indexOf("link"), resources.indexOf("server")].map(secondsBy);
  const nodes = secondsBy(resources.length);
  if (nodes >= Math.max(link ?? 0, server ?? 0)) return "nodes";
  return (link ?? 0) > (server ?? 0) ? "link" : "server";
}

function latest(times: readonly number[]): number {
  return times.reduce((last, at) => Math.max(last, at), 0);
}
