import { after, type Instant } from "../bytes/instant.ts";
import { TREE_SCAN_PAUSE_MAX_MS, TREE_SCAN_PAUSE_MIN_MS } from "../limits.ts";
import type { Alarm, Clock } from "../net/clock.ts";
import type { Place } from "./places.ts";
import type { FileId } from "./tree.ts";

/** Goes through the whole tree and shows each file; may be told to stop early. */
export type Walk = (show: (place: Place) => void, isStopped: () => boolean) => Promise<void>;

interface Wanted {
  /** Settled by the end of this run at the latest. */
  readonly lastRun: number;
  readonly resolve: (place: Place | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Finds files whose place is unknown: after a restart, and where a directory above them was renamed. One walk at a
 * time looks for all that are wanted. After each it rests, so that handles of deleted files cost little; who asks
 * meanwhile waits for the next.
 */
export class Search implements Disposable {
  readonly #clock: Clock;
  readonly #walk: Walk;
  readonly #alarm: Alarm;
  readonly #wanted = new Map<FileId, Wanted>();
  #run = 0;
  #isRunning = false;
  #isStopped = false;
  #restsUntil: Instant | undefined;

  constructor(clock: Clock, walk: Walk) {
    this.#clock = clock;
    this.#walk = walk;
    this.#alarm = clock.alarm(() => void this.#start());
  }

  /** Undefined: nowhere, in a walk that began after this call. To be asked for once at a time. */
  find(id: FileId): Promise<Place | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#isStopped) return resolve(undefined);
      // A walk under way may find it, but could have missed it where it was moved meanwhile.
      this.#wanted.set(id, { lastRun: this.#run + 1, resolve, reject });
      this.#schedule();
    });
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    this.#alarm[Symbol.dispose]();
    for (const { resolve } of this.#wanted.values()) resolve(undefined);
    this.#wanted.clear();
  }

  #schedule(): void {
    if (this.#isRunning || this.#isStopped) return;
    const until = this.#restsUntil;
    if (until !== undefined && this.#clock.now() < until) this.#alarm.set(until);
    else void this.#start();
  }

  async #start(): Promise<void> {
    this.#isRunning = true;
    this.#run += 1;
    const began = this.#clock.now();
    let problem: { readonly error: unknown } | undefined;
    try {
      await this.#walk(
        (place) => {
          this.#wanted.get(place.id)?.resolve(place);
          this.#wanted.delete(place.id);
        },
        () => this.#isStopped,
      );
    } catch (error) {
      problem = { error };
    }
    this.#isRunning = false;
    const now = this.#clock.now();
    const pauseMs = Math.max(TREE_SCAN_PAUSE_MIN_MS, (now - began) * 10);
    this.#restsUntil = after(now, Math.min(TREE_SCAN_PAUSE_MAX_MS, pauseMs));
    for (const [id, { lastRun, resolve, reject }] of this.#wanted) {
      if (lastRun > this.#run) continue;
      this.#wanted.delete(id);
      if (problem === undefined) resolve(undefined);
      else reject(problem.error);
    }
    if (this.#wanted.size > 0) this.#schedule();
  }
}
