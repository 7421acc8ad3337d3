import { Worker } from "node:worker_threads";
import { THREAD_YOUNG_MIB } from "../limits.ts";
import { UserError } from "../user-error.ts";
import type { Ask, FromWorker, IscsiStart, NfsStart, Problem, ToWorker } from "./messages.ts";

/** What a thread says unasked. */
export type Unasked = Exclude<FromWorker, { kind: "listening" | "taken" | "failed" }>;

export interface PlaneThreadOptions {
  readonly start: NfsStart | IscsiStart;
  readonly hear: (message: Unasked, from: PlaneThread) => void;
  /** It ended, though nobody stopped it. */
  readonly failed: (error: unknown) => void;
}

/** The main thread's end of one thread of the data plane. */
export class PlaneThread implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #hear: PlaneThreadOptions["hear"];
  /** Asked and not yet answered; the start is 0. */
  readonly #asked = new Map<number, PromiseWithResolvers<void>>();
  readonly #ended: Promise<void>;
  #serial = 0;
  #isStopping = false;

  constructor({ start, hear, failed }: PlaneThreadOptions) {
    this.#hear = hear;
    this.#asked.set(0, Promise.withResolvers());
    const suffix = import.meta.url.endsWith(".ts") ? "ts" : "js";
    this.#worker = new Worker(new URL(`./${start.kind}-worker.${suffix}`, import.meta.url), {
      workerData: start,
      resourceLimits: { maxYoungGenerationSizeMb: THREAD_YOUNG_MIB },
    });
    this.#worker.on("message", (message: FromWorker) => this.#heard(message));
    this.#worker.on("error", (error) => this.#end(error, failed));
    this.#ended = new Promise<void>((resolve) => {
      this.#worker.once("exit", () => {
        this.#end(new Error("a thread of the data plane ended"), failed);
        resolve();
      });
    });
  }

  /** Until it listens. @throws UserError */
  async listening(): Promise<void> {
    await this.#asked.get(0)?.promise;
  }

  /** Done when the thread says so. @throws UserError */
  async ask(ask: Ask): Promise<void> {
    if (this.#isStopping) throw new Error("a thread of the data plane has ended");
    this.#serial += 1;
    const serial = this.#serial;
    const asked = Promise.withResolvers<void>();
    this.#asked.set(serial, asked);
    this.post({ ...ask, serial });
    await asked.promise;
  }

  post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    this.post({ kind: "stop" });
    await this.#ended;
  }

  #heard(message: FromWorker): void {
    switch (message.kind) {
      case "listening":
        this.#answered(0);
        break;
      case "taken":
        this.#answered(message.serial);
        break;
      case "failed":
        // Of one that could not begin nothing more is to be heard.
        if (message.serial === undefined) this.#isStopping = true;
        this.#answered(message.serial ?? 0, errorOf(message.problem));
        break;
      default:
        this.#hear(message, this);
    }
  }

  #answered(serial: number, error?: unknown): void {
    const asked = this.#asked.get(serial);
    this.#asked.delete(serial);
    if (error === undefined) asked?.resolve();
    else asked?.reject(error);
  }

  #end(error: unknown, failed: (error: unknown) => void): void {
    for (const serial of [...this.#asked.keys()]) this.#answered(serial, error);
    if (this.#isStopping) return;
    this.#isStopping = true;
    failed(error);
  }
}

function errorOf({ message, exitCode }: Problem): UserError {
  return new UserError(message, exitCode === undefined ? {} : { exitCode });
}
