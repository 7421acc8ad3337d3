import { after } from "../bytes/instant.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import { EVENTS_TOLD_EVERY_MS, EVENTS_TOLD_MAX } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { BootEvent, Protocol } from "../watch/events.ts";

type Refusal = Extract<BootEvent, { kind: "refused" }>;

interface Counted {
  readonly protocol: Protocol;
  readonly reason: string;
  /** Of a few at a time. */
  readonly address?: Ipv4;
  times: number;
}

/** Gathers what happened for the main thread, refusals as counts, so that a flood of anything is a few messages a second. */
export class Telling implements Disposable {
  readonly #send: (events: readonly BootEvent[]) => void;
  readonly #clock: Clock;
  readonly #alarm;
  readonly #refused = new Map<string, Counted>();
  #events: BootEvent[] = [];
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
    else if (this.#events.length < EVENTS_TOLD_MAX) this.#events.push(event);
    else this.#count({ kind: "refused", protocol: "nfs", reason: "events" });
    this.#soon();
  }

  #count({ protocol, reason, times = 1, address }: Refusal): void {
    const whose = address !== undefined && this.#refused.size < EVENTS_TOLD_MAX ? { address } : {};
    const key = `${protocol} ${reason} ${whose.address}`;
    const counted = this.#refused.get(key);
    if (counted === undefined) this.#refused.set(key, { protocol, reason, times, ...whose });
    else counted.times += times;
  }

  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#alarm.set(after(this.#clock.now(), EVENTS_TOLD_EVERY_MS));
  }

  #flush(): void {
    this.#isDue = false;
    const refused = [...this.#refused.values()].map((counted) => ({
      kind: "refused" as const,
      ...counted,
    }));
    const events = [...this.#events, ...refused];
    this.#refused.clear();
    this.#events = [];
    if (events.length > 0) this.#send(events);
  }
}
