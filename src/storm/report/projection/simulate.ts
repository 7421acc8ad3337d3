import { type Crowd, pacesOf } from "./sharing.ts";

/** A storm as a fluid: nodes go through the pieces of a boot in order, and in each at the pace that its crowd has. */

export type Piece = Omit<Crowd, "nodes">;

/** Nodes that start together stay together: what one of them waits for, all wait for. */
export interface Start {
  readonly at: number;
  readonly nodes: number;
}

export interface Simulated {
  /** By start, in their order: when its nodes had each piece behind them. */
  readonly ends: readonly (readonly number[])[];
  /** By piece, then by resource: seconds times nodes that it held up; in the last place, that waited for themselves. */
  readonly held: readonly (readonly number[])[];
}

/** Who are in one piece at a time: all get on alike, so that they leave in the order in which they came. */
interface Stretch {
  readonly piece: Piece;
  readonly held: number[];
  /** How far one got that was there from the beginning. */
  progress: number;
  nodes: number;
  readonly inside: { readonly start: number; readonly goal: number }[];
}

/** What is left of a piece after rounding. */
const ROUNDING = 1e-9;

/** `starts` in order of time; `capacities`: more than 0 of each. */
export function simulate(
  pieces: readonly Piece[],
  starts: readonly Start[],
  capacities: readonly number[],
): Simulated {
  const stretches = pieces.map((piece): Stretch => {
    const held = new Array<number>(capacities.length + 1).fill(0);
    return { piece, held, progress: 0, nodes: 0, inside: [] };
  });
  const ends: number[][] = starts.map(() => []);
  let [now, next, under] = [starts[0]?.at ?? 0, 0, 0];
  const enter = (index: number, start: number): void => {
    const stretch = stretches[index];
    if (stretch === undefined) under -= 1;
    else {
      stretch.inside.push({ start, goal: stretch.progress + 1 });
      stretch.nodes += starts[start]?.nodes ?? 0;
    }
  };
  while (next < starts.length || under > 0) {
    while (next < starts.length && (starts[next]?.at ?? 0) <= now) {
      under += 1;
      enter(0, next);
      next += 1;
    }
    now = getOn(stretches, capacities, now, starts[next]?.at ?? Number.POSITIVE_INFINITY);
    for (let index = stretches.length - 1; index >= 0; index--) {
      const stretch = stretches[index];
      while (
        stretch?.inside[0] !== undefined &&
        stretch.inside[0].goal <= stretch.progress + ROUNDING
      ) {
        const { start } = stretch.inside.shift() ?? { start: 0 };
        stretch.nodes -= starts[start]?.nodes ?? 0;
        ends[start]?.push(now);
        enter(index + 1, start);
      }
    }
  }
  return { ends, held: stretches.map(({ held }) => held) };
}

/** Everybody, until the first leaves a piece or somebody comes, whose time is `nextAt`. Answers when that is. */
function getOn(
  stretches: readonly Stretch[],
  capacities: readonly number[],
  now: number,
  nextAt: number,
): number {
  const busy = stretches.filter(({ inside }) => inside.length > 0);
  const paces = pacesOf(
    busy.map(({ piece, nodes }) => ({ ...piece, nodes })),
    capacities,
  );
  const leaveAt = busy.map(({ progress, inside }, index) => {
    const left = Math.max(0, (inside[0]?.goal ?? 0) - progress);
    return now + left / (paces[index]?.speed ?? 0);
  });
  const until = Math.min(nextAt, ...leaveAt);
  if (!Number.isFinite(until)) throw new RangeError("nobody gets on");
  for (const [index, stretch] of busy.entries()) {
    const { speed = 0, heldBy = capacities.length } = paces[index] ?? {};
    stretch.progress += speed * (until - now);
    // Whatever rounding makes of it: who was to leave now leaves.
    if (leaveAt[index] === until) stretch.progress = stretch.inside[0]?.goal ?? 0;
    stretch.held[heldBy] = (stretch.held[heldBy] ?? 0) + stretch.nodes * (until - now);
  }
  return until;
}
