import { after, type Instant } from "../bytes/instant.ts";
import type { Alarm, Clock } from "../net/clock.ts";

type Soon = (work: () => void) => void;

/**
 * `soon`, but at least so long after the work before began. Who asks seldom waits for nothing; under load more comes together.
 * One work at a time: the next is asked for when the one before was done.
 */
export class Spaced implements Disposable {
  readonly #soon: Soon;
  readonly #clock: Clock;
  readonly #pauseMs: number;
  readonly #alarm: Alarm;
  #work: () => void = () => {};
  #beganAt: Instant | undefined;

  constructor(soon: Soon, clock: Clock, pauseMs: number) {
    this.#soon = soon;
    this.#clock = clock;
    this.#pauseMs = pauseMs;
    this.#alarm = clock.alarm(() => this.#run());
  }

  do(work: () => void): void {
    this.#work = work;
    const due = this.#beganAt === undefined ? undefined : after(this.#beganAt, this.#pauseMs);
    if (due === undefined || this.#clock.now() >= due) this.#soon(() => this.#run());
    else this.#alarm.set(due);
  }

  #run(): void {
    this.#beganAt = this.#clock.now();
    this.#work();
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }
}
