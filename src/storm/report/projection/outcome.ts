import type { StormStage } from "../../result.ts";
import { capacitiesIn, type Model, piecesIn, type Room, resources } from "./model.ts";
import { type Piece, type Start, simulate } from "./simulate.ts";

const holders = ["nodes", "server", "link"] as const;

/** What holds nodes up. */
export type Holder = (typeof holders)[number];

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
  const pieces = piecesIn(model, room);
  const capacities = capacitiesIn(model, room);
  const simulated = simulate(pieces, starts, capacities);
  const held = pieces.map((piece, index) => heldBy(simulated.held[index] ?? [], piece, capacities));
  const ends = simulated.ends.map((of) => of.at(-1) ?? 0);
  const seconds = latest(ends);
  const stages = [...new Set(demands.map(({ until }) => until))];
  const parts = stages.map((until): ProjectedPart => {
    const last = demands.findLastIndex((one) => one.until === until);
    return {
      until,
      seconds: latest(simulated.ends.map((of) => of[last] ?? 0)),
      by: holderOf(held.filter((_, piece) => demands[piece]?.until === until)),
    };
  });
  return { ends, seconds, by: holderOf(held), parts };
}

/** Seconds times nodes. */
type Held = Readonly<Record<Holder, number>>;

const LINK = resources.indexOf("link");
const SERVER = resources.indexOf("server");

/** Who waits for nobody else waits for what carries and answers its own calls still, and for itself. */
function heldBy(
  by: readonly number[],
  { alone, demands }: Piece,
  capacities: readonly number[],
): Held {
  const carried = (demands[LINK] ?? 0) / (capacities[LINK] ?? 0) / alone;
  const answered = (demands[SERVER] ?? 0) / alone;
  const itself = by[resources.length] ?? 0;
  return {
    link: (by[LINK] ?? 0) + itself * carried,
    server: (by[SERVER] ?? 0) + itself * answered,
    nodes: itself * (1 - carried - answered),
  };
}

function holderOf(held: readonly Held[]): Holder {
  const secondsBy = (holder: Holder): number =>
    held.reduce((total, piece) => total + piece[holder], 0);
  const most = Math.max(...holders.map(secondsBy));
  return holders.find((holder) => secondsBy(holder) === most) ?? "nodes";
}

function latest(times: readonly number[]): number {
  return times.reduce((last, at) => Math.max(last, at), 0);
}
