import { TOLD_TOGETHER_MAX } from "../limits.ts";
import type { BootEvent, Tell } from "./events.ts";

export interface ToldDeps {
  readonly follow: Tell;
  /** Runs it once, after everything that has arrived by now. */
  readonly soon: (run: () => void) => void;
  readonly report: (what: string, error: unknown) => void;
}

/**
 * What was told and not followed yet. Events are followed one after the other: between the kilobytes of two files, nothing
 * that follows them is left in the processor's caches.
 */
export class Told {
  readonly #deps: ToldDeps;
  #waiting: BootEvent[] = [];

  constructor(deps: ToldDeps) {
    this.#deps = deps;
  }

  tell(event: BootEvent): void {
    const count = this.#waiting.push(event);
    if (count === 1) this.#deps.soon(() => this.follow());
    else if (count >= TOLD_TOGETHER_MAX) this.follow();
  }

  /** For whoever asks now. An event that cannot be followed is reported, and stops nobody. */
  follow(): void {
    const events = this.#waiting;
    this.#waiting = [];
    for (const event of events) {
      try {
        this.#deps.follow(event);
      } catch (error) {
        this.#deps.report("an event of a node", error);
      }
    }
  }
}
