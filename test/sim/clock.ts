import type { Alarm, Clock, Instant } from "../../src/net/clock.ts";

/** Time that stands still until told to go on; alarms ring in order, ties in the order in which they were set. */
export class VirtualClock implements Clock {
  #now = 0;
  #order = 0;
  readonly #pending = new Map<object, { at: number; order: number; ring: () => void }>();
  readonly #epochMs: number;

  constructor(epochMs = Date.UTC(2026, 0, 1)) {
    this.#epochMs = epochMs;
  }

  now(): Instant {
    return this.#now as Instant;
  }

  epochMs(): number {
    return this.#epochMs + this.#now;
  }

  alarm(ring: () => void): Alarm {
    const key = {};
    const set = (at: Instant | undefined): void => {
      this.#pending.delete(key);
      this.#order += 1;
      if (at !== undefined) this.#pending.set(key, { at, order: this.#order, ring });
    };
    return { set, [Symbol.dispose]: () => set(undefined) };
  }

  /** The time of the next ring, if there is one. */
  next(): number | undefined {
    return this.#first()?.[1].at;
  }

  /** Rings everything due within `ms`, at its own time, and ends there. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (
      let first = this.#first();
      first !== undefined && first[1].at <= end;
      first = this.#first()
    ) {
      this.#pending.delete(first[0]);
      this.#now = Math.max(this.#now, first[1].at);
      first[1].ring();
    }
    this.#now = end;
  }

  #first(): [object, { at: number; order: number; ring: () => void }] | undefined {
    let best: [object, { at: number; order: number; ring: () => void }] | undefined;
    for (const entry of this.#pending) {
      if (
        best === undefined ||
        entry[1].at < best[1].at ||
        (entry[1].at === best[1].at && entry[1].order < best[1].order)
      )
        best = entry;
    }
    return best;
  }
}
