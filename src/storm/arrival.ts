import { ARRIVAL_PAUSE_MAX_SECONDS, ARRIVAL_SECONDS_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";

/** When nodes are switched on. */
export type Arrival =
  | { readonly kind: "at-once" }
  /** Evenly, over that time. */
  | { readonly kind: "ramp"; readonly seconds: number }
  /** Each independently of the others, so many a second on average. */
  | { readonly kind: "poisson"; readonly perSecond: number }
  /** So many at once, and the next as many that much later. */
  | { readonly kind: "racks"; readonly size: number; readonly seconds: number };

const forms = "all, ramp:30s, poisson:5/s or racks:20,10s";

/** Reads `all`, `ramp:30s`, `poisson:5/s`, `racks:20,10s`. @throws UserError */
export function parseArrival(text: string): Arrival {
  const [, kind, detail] = /^([a-z]+)(?::(.*))?$/.exec(text.trim()) ?? [];
  if (kind === "all" && detail === undefined) return { kind: "at-once" };
  if (kind === "ramp") return { kind, seconds: secondsOf(detail, text) };
  if (kind === "poisson") {
    const [, number] = /^(\d+(?:\.\d+)?)\/s$/.exec(detail ?? "") ?? [];
    const perSecond = Number(number);
    if (!(perSecond > 0)) throw wrong(text, "nodes a second, as in poisson:5/s");
    if (perSecond * ARRIVAL_PAUSE_MAX_SECONDS < 1)
      throw wrong(text, `at least one node in ${ARRIVAL_PAUSE_MAX_SECONDS} s`);
    return { kind, perSecond };
  }
  if (kind === "racks") {
    const [, number, pause] = /^(\d+),(.*)$/.exec(detail ?? "") ?? [];
    const size = Number(number);
    if (!(size >= 1)) throw wrong(text, "nodes of a rack and a time, as in racks:20,10s");
    return { kind, size, seconds: secondsOf(pause, text) };
  }
  throw wrong(text, forms);
}

/** As it is written in the option. */
export function formatArrival(arrival: Arrival): string {
  switch (arrival.kind) {
    case "at-once":
      return "all";
    case "ramp":
      return `ramp:${arrival.seconds}s`;
    case "poisson":
      return `poisson:${arrival.perSecond}/s`;
    case "racks":
      return `racks:${arrival.size},${arrival.seconds}s`;
  }
}

/** Seconds after the storm began at which each node is switched on, in the order of the nodes. */
export function arrivalTimes(arrival: Arrival, nodes: number, random: () => number): number[] {
  switch (arrival.kind) {
    case "at-once":
      return Array.from({ length: nodes }, () => 0);
    case "ramp":
      return Array.from({ length: nodes }, (_, index) => (index * arrival.seconds) / nodes);
    case "poisson":
      return poissonTimes(arrival.perSecond, nodes, random);
    case "racks":
      return Array.from({ length: nodes }, (_, index) => {
        return Math.floor(index / arrival.size) * arrival.seconds;
      });
  }
}

/** Times between independent arrivals are exponentially distributed. */
function poissonTimes(perSecond: number, nodes: number, random: () => number): number[] {
  let at = 0;
  return Array.from({ length: nodes }, () => {
    // Never the logarithm of 0.
    at -= Math.log(1 - random()) / perSecond;
    return at;
  });
}

function secondsOf(text: string | undefined, whole: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text ?? "") ?? [];
  const seconds = Number(number) * (unit === "ms" ? 0.001 : unit === "m" ? 60 : 1);
  if (Number.isNaN(seconds)) throw wrong(whole, "a time with its unit: 500ms, 30s or 2m");
  if (seconds > ARRIVAL_SECONDS_MAX)
    throw wrong(whole, `a time of at most ${ARRIVAL_SECONDS_MAX} s`);
  return seconds;
}

function wrong(text: string, expected: string): UserError {
  return new UserError(`--arrival ${text}: expected ${expected}`);
}
