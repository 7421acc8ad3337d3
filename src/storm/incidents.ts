import { type Alarm, after, type Clock } from "../net/clock.ts";
import type { Incident } from "./options.ts";
import type { StormResult } from "./result.ts";

/** Does what is to be done to servers and network, each at its time. */
export class Incidents implements Disposable {
  readonly #alarms: readonly Alarm[];
  readonly #failed = Promise.withResolvers<never>();
  readonly #happened: { at: number; what: string }[] = [];
  readonly #left: Set<Incident>;

  /** The storm begins now. */
  constructor(clock: Clock, incidents: readonly Incident[]) {
    const begunAt = clock.now();
    this.#failed.promise.catch(() => {});
    this.#left = new Set(incidents);
    this.#alarms = incidents.map((incident) => {
      const { at, what, run } = incident;
      const alarm = clock.alarm(() => {
        this.#left.delete(incident);
        this.#happened.push({ at: (clock.now() - begunAt) / 1000, what });
        run().catch((error: unknown) => this.#failed.reject(error));
      });
      alarm.set(after(begunAt, at * 1000));
      return alarm;
    });
  }

  get happened(): StormResult["incidents"] {
    return this.#happened;
  }

  /** The storm was over before. */
  get notReached(): NonNullable<StormResult["notReached"]> {
    return [...this.#left].map(({ at, what }) => ({ at, what }));
  }

  /** Rejects when one of them could not be done: what comes after it means nothing. */
  get failed(): Promise<never> {
    return this.#failed.promise;
  }

  [Symbol.dispose](): void {
    for (const alarm of this.#alarms) alarm[Symbol.dispose]();
  }
}
