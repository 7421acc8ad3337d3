import { statSync } from "node:fs";
import { SEAL_TOLD_EVERY_MS } from "../../limits.ts";
import { after, type Clock, type Instant } from "../../net/clock.ts";
import type { Progress } from "../progress.ts";

/** Tells how far sealing is. */
export class SealProgress {
  readonly #report: ((progress: Progress) => void) | undefined;
  readonly #clock: Clock;
  readonly #started: Instant;

  constructor(report: ((progress: Progress) => void) | undefined, clock: Clock) {
    this.#report = report;
    this.#clock = clock;
    this.#started = clock.now();
  }

  /** Of `total` bytes. */
  tell(item: string, done: number, total: number): void {
    const elapsedMs = this.#clock.now() - this.#started;
    this.#report?.({ step: "sealing", item, done, total, unit: "bytes", elapsedMs });
  }

  /** Of a file that another program writes, by its size, from time to time until disposed. */
  ofFile(file: string, total: number): Disposable {
    const alarm = this.#clock.alarm(() => {
      const written = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
      this.tell("writing the image", Math.min(written, total), total);
      alarm.set(after(this.#clock.now(), SEAL_TOLD_EVERY_MS));
    });
    if (this.#report !== undefined) alarm.set(this.#clock.now());
    return alarm;
  }
}
