import { after } from "../bytes/instant.ts";
import { EVENTS_TOLD_EVERY_MS } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { BootEvent, Protocol } from "../watch/events.ts";

type Refusal = Extract<BootEvent, { kind: "refused" }>;

/** Gathers what happened for the main thread: refusals as counts, so that a flood of them is a few messages a second. */
export class Telling implements Disposable {
  readonly #send: (events: readonly BootEvent[]) => void;
  readonly #clock: Clock;
  readonly #alarm;
  readonly #refused = new Map<string, { protocol: Protocol; reason: string; times: number }>();
  #isDue = false;

  constructor(clock: Clock, send: (events: readonly BootEvent[]) => void) {
    this.#send = send;
    this.#clock = clock;
    this.#alarm = clock.alarm(() => this.#flush());
  }

  [Symbol.dispose](): void {
    this.#flush();
    this.#alarm[Symbol.dispose]();
  }

  tell(event: BootEvent): void {
    if (event.kind === "refused") this.#count(event);
    else this.#send([event]);
  }

  #count({ protocol, reason, times = 1 }: Refusal): void {
    const key = `${protocol} ${reason}`;
    const counted = this.#refused.get(key);
    if (counted === undefined) this.#refused.set(key, { protocol, reason, times });
    else counted.times += times;
    if (this.#isDue) return;
    this.#isDue = true;
    this.#alarm.set(after(this.#clock.now(), EVENTS_TOLD_EVERY_MS));
  }

  #flush(): void {
    this.#isDue = false;
    if (this.#refused.size === 0) return;
    const events = [...this.#refused.values()].map((counted) => ({
      kind: "refused" as const,
      ...counted,
    }));
    this.#refused.clear();
    this.#send(events);
  }
}
