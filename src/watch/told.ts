import type { Instant } from "../bytes/instant.ts";
import { TOLD_TOGETHER_MAX } from "../limits.ts";
import type { BootEvent } from "./events.ts";

export interface ToldDeps {
  readonly follow: (event: BootEvent, now: Instant) => void;
  readonly now: () => Instant;
  /** Runs it once, after everything that has arrived by now. */
  readonly soon: (run: () => void) => void;
  readonly report: (what: string, error: unknown) => void;
}

/**
 * What was told and not followed yet. Events are followed one after the other: between the kilobytes of two files, nothing
 * that follows them is left in the processor's caches. Of a file that was sent at once only the end is followed.
 */
export class Told {
  readonly #deps: ToldDeps;
  #waiting: BootEvent[] = [];

  constructor(deps: ToldDeps) {
    this.#deps = deps;
  }

  tell(event: BootEvent): void {
    const newest = this.#waiting.at(-1);
    if (newest !== undefined && isSentAtOnce(event, newest)) {
      this.#waiting[this.#waiting.length - 1] = event;
      return;
    }
    const count = this.#waiting.push(event);
    if (count === 1) this.#deps.soon(() => this.follow());
    else if (count >= TOLD_TOGETHER_MAX) this.follow();
  }

  /** For whoever asks now. An event that cannot be followed is reported, and stops nobody. */
  follow(): void {
    const events = this.#waiting;
    if (events.length === 0) return;
    this.#waiting = [];
    const now = this.#deps.now();
    for (const event of events) {
      try {
        this.#deps.follow(event, now);
      } catch (error) {
        this.#deps.report("an event of a node", error);
      }
    }
  }
}

/** A file that was sent at once: its end says all. */
function isSentAtOnce(end: BootEvent, before: BootEvent): boolean {
  if (end.kind !== "file" || before.kind !== "file") return false;
  if (end.outcome !== "done" || before.outcome !== "started") return false;
  const isOfOne = end.address === before.address && end.protocol === before.protocol;
  return isOfOne && end.path === before.path;
}
