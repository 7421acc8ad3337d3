import type { Instant } from "../../src/bytes/instant.ts";
import { type Alarm, type Clock, systemClock } from "../../src/net/clock.ts";

/** A clock that stands still while it is held: alarms ring after as long a time of running as they were set for. */
export class HeldClock implements Clock {
  /** What it is behind the system's, and since when it stands still. */
  #behind = 0;
  #heldAt: number | undefined;
  readonly #alarms = new Set<{ arm(): void; disarm(): void }>();

  get isHeld(): boolean {
    return this.#heldAt !== undefined;
  }

  now(): Instant {
    return ((this.#heldAt ?? systemClock.now()) - this.#behind) as Instant;
  }

  epochMs(): number {
    return systemClock.epochMs();
  }

  hold(): void {
    if (this.#heldAt !== undefined) return;
    this.#heldAt = systemClock.now();
    for (const alarm of this.#alarms) alarm.disarm();
  }

  go(): void {
    if (this.#heldAt === undefined) return;
    this.#behind += systemClock.now() - this.#heldAt;
    this.#heldAt = undefined;
    for (const alarm of this.#alarms) alarm.arm();
  }

  alarm(ring: () => void): Alarm {
    let until: Instant | undefined;
    const inner = systemClock.alarm(() => {
      until = undefined;
      ring();
    });
    const arm = (): void =>
      inner.set(until === undefined ? undefined : ((until + this.#behind) as Instant));
    const one = { arm, disarm: () => inner.set(undefined) };
    this.#alarms.add(one);
    return {
      set: (at) => {
        until = at;
        if (!this.isHeld) arm();
      },
      [Symbol.dispose]: () => {
        inner[Symbol.dispose]();
        this.#alarms.delete(one);
      },
    };
  }
}
