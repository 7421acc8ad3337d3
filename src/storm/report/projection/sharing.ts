/** How fast nodes get on that share what there is. */

/** Nodes that do the same at this time. */
export interface Crowd {
  readonly nodes: number;
  /** Seconds that this piece takes one that has all for itself: more than 0. */
  readonly alone: number;
  /** What one takes of each resource for the whole piece. */
  readonly demands: readonly number[];
}

export interface Pace {
  /** Of the piece, a second. */
  readonly speed: number;
  /** The resource that lets it get on no faster; undefined: itself. */
  readonly heldBy: number | undefined;
}

/**
 * Everybody's greatest part of any resource grows alike, until one gets on as fast as it would alone or a resource that it
 * needs is used up: dominant resource fairness by progressive filling (Ghodsi et al., NSDI 2011). With one resource that is
 * processor sharing. `capacities`: what there is of each resource, a second.
 */
export function pacesOf(crowds: readonly Crowd[], capacities: readonly number[]): Pace[] {
  const growing = crowds.map(({ nodes, alone, demands }, index): Growing => {
    const part = demands.reduce(
      (most, demand, resource) => Math.max(most, demand / (capacities[resource] ?? 0)),
      0,
    );
    const uses = demands.map((demand) => (part > 0 ? (nodes * demand) / part : 0));
    return { index, alone, part, uses, fullAt: part / alone };
  });
  const paces = new Array<Pace>(crowds.length);
  const left = [...capacities];
  /** By how much of each resource is used more when everybody's greatest part grows by one. */
  const slopes = capacities.map((_, resource) =>
    growing.reduce((total, { uses }) => total + (uses[resource] ?? 0), 0),
  );
  let level = 0;
  const growTo = (next: number): void => {
    for (const [index, slope] of slopes.entries()) {
      left[index] = (left[index] ?? 0) - slope * (next - level);
    }
    level = next;
  };
  const settle = ({ index, uses }: Growing, pace: Pace): void => {
    paces[index] = pace;
    for (const [resource, use] of uses.entries()) {
      slopes[resource] = (slopes[resource] ?? 0) - use;
    }
  };
  for (const one of growing.toSorted((a, b) => a.fullAt - b.fullAt)) {
    while (paces[one.index] === undefined) {
      const { resource, at } = firstUsedUp(slopes, left, level);
      growTo(Math.max(level, Math.min(one.fullAt, at)));
      if (one.fullAt <= at) settle(one, { speed: 1 / one.alone, heldBy: undefined });
      else {
        for (const other of growing) {
          if (paces[other.index] === undefined && (other.uses[resource] ?? 0) > 0)
            settle(other, { speed: level / other.part, heldBy: resource });
        }
        // Nobody grows that needs it, whatever rounding leaves there.
        slopes[resource] = 0;
      }
    }
  }
  return paces;
}

interface Growing {
  readonly index: number;
  readonly alone: number;
  /** Its greatest part of a resource for a whole piece a second. */
  readonly part: number;
  readonly uses: readonly number[];
  /** The level at which it gets on as fast as alone. */
  readonly fullAt: number;
}

/** Which resource is used up first as the level grows, and at which. */
function firstUsedUp(
  slopes: readonly number[],
  left: readonly number[],
  level: number,
): { readonly resource: number; readonly at: number } {
  let [resource, at] = [-1, Number.POSITIVE_INFINITY];
  for (const [index, slope] of slopes.entries()) {
    const full = slope > 0 ? level + Math.max(0, left[index] ?? 0) / slope : at;
    if (full < at) [resource, at] = [index, full];
  }
  return { resource, at };
}
