import type { Alarm, Clock, Instant } from "../../net/clock.ts";

interface Entry {
  readonly at: Instant;
  readonly run: () => void;
}

/** What thousands of nodes are to do at their times, for one timer: a binary heap. Nothing is taken off before its time. */
export class Agenda implements Disposable {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #heap: Entry[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#alarm = clock.alarm(() => this.#ring());
  }

  add(at: Instant, run: () => void): void {
    const entry = { at, run };
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.at <= at) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = entry;
    if (place === 0) this.#alarm.set(at);
  }

  [Symbol.dispose](): void {
    this.#alarm[Symbol.dispose]();
  }

  #ring(): void {
    const now = this.#clock.now();
    let first = this.#heap[0];
    while (first !== undefined && first.at <= now) {
      this.#takeFirst();
      first.run();
      first = this.#heap[0];
    }
    this.#alarm.set(first?.at);
  }

  #takeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    for (;;) {
      let below = 2 * place + 1;
      if ((heap[below + 1]?.at ?? Infinity) < (heap[below]?.at ?? Infinity)) below += 1;
      const child = heap[below];
      if (child === undefined || child.at >= last.at) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
  }
}
