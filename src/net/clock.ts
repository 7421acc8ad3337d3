import type { Instant } from "../bytes/instant.ts";

export { after, type Instant } from "../bytes/instant.ts";

/** One pending ring. Setting it again moves it; `undefined` silences it. */
export interface Alarm extends Disposable {
  set(at: Instant | undefined): void;
}

/** Time, passed in: the real one here, a virtual one in tests and simulations. */
export interface Clock {
  now(): Instant;
  /** Milliseconds since 1970, for what is kept on disk (leases) and shown. */
  epochMs(): number;
  alarm(ring: () => void): Alarm;
}

export const systemClock: Clock = {
  now: () => performance.now() as Instant,
  epochMs: () => Date.now(),
  alarm(ring) {
    let timer: NodeJS.Timeout | undefined;
    const set = (at: Instant | undefined): void => {
      clearTimeout(timer);
      timer = undefined;
      if (at !== undefined) timer = setTimeout(ring, Math.max(0, at - performance.now()));
    };
    return { set, [Symbol.dispose]: () => set(undefined) };
  },
};

/** Runs it after everything that has arrived by now was received. */
export function afterArrivals(run: () => void): void {
  setImmediate(run);
}
