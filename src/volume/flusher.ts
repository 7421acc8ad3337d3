import { fdatasync } from "node:fs";
import { promisify } from "node:util";
import type { AtMost } from "../bytes/at-most.ts";
import { volumeErrorOf } from "./descriptor.ts";
import type { Answer, VolumeError } from "./volume.ts";

const sync = promisify(fdatasync);

type Resolve = (answer: VolumeError | undefined) => void;

/** Brings what was written to one descriptor to the disk. What is asked while it does so shares the next turn. */
export class Flusher {
  readonly #fd: number;
  #waiting: Resolve[] = [];
  /** Undefined: nothing runs. */
  #served: Resolve[] | undefined;
  /** Whoever had the file open before may have left something unwritten. */
  #isDirty = true;
  #failed: VolumeError | undefined;

  readonly #calls: AtMost;

  constructor(fd: number, calls: AtMost) {
    this.#fd = fd;
    this.#calls = calls;
  }

  /** A write is about to be answered. */
  wrote(): void {
    this.#isDirty = true;
  }

  flush(): Answer<undefined> {
    if (this.#failed !== undefined) return this.#failed;
    if (!this.#isDirty && this.#served === undefined) return undefined;
    return new Promise((resolve) => {
      // What runs began after the last write was answered, or it has missed that.
      const turn = this.#isDirty ? this.#waiting : (this.#served ?? this.#waiting);
      turn.push(resolve);
      if (this.#served === undefined) this.#run();
    });
  }

  #run(): void {
    const served = this.#waiting;
    this.#waiting = [];
    this.#served = served;
    this.#isDirty = false;
    const ended = (answer: VolumeError | undefined): void => {
      this.#served = undefined;
      if (answer !== undefined) {
        // What could not be written may be what those wrote who wait for the next turn: the kernel tells it only once.
        served.push(...this.#waiting.splice(0));
        this.#isDirty = true;
        // It also forgets what it could not write. After that no flush can promise anything until all is read anew.
        if (answer !== "no-space") this.#failed = answer;
      }
      if (this.#waiting.length > 0) this.#run();
      for (const resolve of served) resolve(answer);
    };
    const synced = this.#calls.do(() => sync(this.#fd));
    synced.then(
      () => ended(undefined),
      (error) => ended(volumeErrorOf(error)),
    );
  }
}
