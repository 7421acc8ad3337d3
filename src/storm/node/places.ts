import { type Progress, progresses } from "./stages.ts";

/** How many nodes of a thread are how far, in memory that the main thread reads while that is busy. Failed ones are nowhere else. */
export class SharedPlaces {
  readonly memory: SharedArrayBuffer;
  readonly #counts: Int32Array;

  constructor(memory = new SharedArrayBuffer((progresses.length + 1) * 4)) {
    this.memory = memory;
    this.#counts = new Int32Array(memory);
  }

  /** All of them before they are switched on. */
  begin(nodes: number): void {
    this.#add("waiting", nodes);
  }

  moved(from: Progress, to: Progress): void {
    this.#add(from, -1);
    this.#add(to, 1);
  }

  failed(from: Progress): void {
    this.#add(from, -1);
    this.#add("failed", 1);
  }

  get(place: Progress | "failed"): number {
    return this.#counts[slotOf(place)] ?? 0;
  }

  #add(place: Progress | "failed", nodes: number): void {
    Atomics.add(this.#counts, slotOf(place), nodes);
  }
}

function slotOf(place: Progress | "failed"): number {
  return place === "failed" ? progresses.length : progresses.indexOf(place);
}
