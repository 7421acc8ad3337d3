import { TREE_SLOW_MS, TREE_SLOW_REST_MS, TREE_SLOW_TIMES } from "../limits.ts";
import type { Clock } from "../net/clock.ts";

/** Whether a disk is waited for: after several slow answers in a row it is not, for a time. */
export class Patience {
  readonly #clock: Pick<Clock, "now">;
  /** Slow questions one after another. */
  #slow = 0;
  #restsUntil = 0;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  isOver(now: number): boolean {
    return now < this.#restsUntil;
  }

  /** One that is slow may have waited for a core; several in a row waited for the disk. */
  timed<T>(question: () => T): T {
    const began = this.#clock.now();
    const answer = question();
    const now = this.#clock.now();
    this.#slow = now - began > TREE_SLOW_MS ? this.#slow + 1 : 0;
    if (this.#slow >= TREE_SLOW_TIMES) this.#restsUntil = now + TREE_SLOW_REST_MS;
    return answer;
  }
}
