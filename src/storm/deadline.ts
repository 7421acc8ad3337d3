import type { Alarm, Clock, Instant } from "../net/clock.ts";

/**
 * An alarm that each arrival puts off, thousands of times a second: it is not moved for that, but rings early, and then
 * waits for the rest.
 */
export class Deadline implements Disposable {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  #due: Instant | undefined;
  #setTo: Instant | undefined;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#alarm = clock.alarm(() => {
      this.#setTo = undefined;
      const due = this.#due;
      if (due === undefined) return;
      if (due > this.#clock.now()) this.#set(due);
      else {
        this.#due = undefined;
        ring();
      }
    });
  }

  set(due: Instant): void {
    this.#due = due;
    if (this.#setTo === undefined || due < this.#setTo) this.#set(due);
  }

  [Symbol.dispose](): void {
    this.#due = undefined;
    this.#alarm[Symbol.dispose]();
  }

  #set(at: Instant): void {
    this.#setTo = at;
    this.#alarm.set(at);
  }
}
