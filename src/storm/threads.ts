import { Worker } from "node:worker_threads";
import { arrivalTimes } from "./arrival.ts";
import { SharedPlaces } from "./node/places.ts";
import type { StormOptions } from "./options.ts";
import { seededRandom } from "./random.ts";
import { SharedCounts } from "./tally.ts";
import type { ServedPlaces } from "./trace/mapping.ts";
import type { FromWorker, ToWorker, WorkerEnded, WorkerStart } from "./worker-messages.ts";

/** The main thread's end of one that runs nodes. */
export class StormThread implements AsyncDisposable {
  readonly worker: Worker;
  readonly counts: SharedCounts;
  readonly places: SharedPlaces;
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<WorkerEnded>();

  /** `sendDhcp`: to the relay. */
  constructor(start: WorkerStart, sendDhcp: (datagram: Uint8Array) => void) {
    this.counts = new SharedCounts(start.counts);
    this.places = new SharedPlaces(start.places);
    const suffix = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.worker = new Worker(new URL(`./worker.${suffix}`, import.meta.url), { workerData: start });
    this.worker.on("message", (message: FromWorker) => {
      if (message.kind === "dhcp") sendDhcp(message.datagram);
      else if (message.kind === "ready") this.#ready.resolve();
      else this.#ended.resolve(message);
    });
    this.worker.on("error", (error) => this.#fail(error));
    this.worker.on("exit", () => this.#fail(new Error("a thread of the storm ended")));
    // Whoever waits for the one may not wait for the other yet.
    this.ready.catch(() => {});
    this.ended.catch(() => {});
  }

  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** When all its nodes are up or have failed. */
  get ended(): Promise<WorkerEnded> {
    return this.#ended.promise;
  }

  post(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.worker.terminate();
  }

  #fail(error: unknown): void {
    this.#ready.reject(error);
    this.#ended.reject(error);
  }
}

/** Which thread a node is in: of a ramp, each has every so manyth. */
export function threadOf(index: number, threads: number): number {
  return index % threads;
}

/** `files`: what stands for the trace's. */
export function startsOf(wanted: StormOptions, files: ServedPlaces): WorkerStart[] {
  const { tree, directory, ...options } = wanted;
  const isTreeKnown = tree !== undefined || directory !== undefined;
  const { arrival, nodes, seed } = options;
  const times = arrivalTimes(arrival, nodes, seededRandom(seed));
  const threads = Math.min(options.workers, nodes);
  return Array.from({ length: threads }, (_, thread) => ({
    options,
    files,
    isTreeKnown,
    thread,
    nodes: [...times.entries()]
      .filter(([index]) => threadOf(index, threads) === thread)
      .map(([index, at]) => ({ index, at })),
    counts: new SharedCounts().memory,
    places: new SharedPlaces().memory,
  }));
}
