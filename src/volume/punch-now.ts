import { setImmediate } from "node:timers/promises";
import { AtMost } from "../bytes/at-most.ts";
import { coreWait } from "../disk/core-wait.ts";
import { Patience } from "../disk/patience.ts";
import { VOLUME_PUNCHED_AT_ONCE_BYTES } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { openLibc } from "../system/libc.ts";

/** Gives whole pages of a file back to its file system. False: it did not. */
export type Punch = (fd: number, offset: number, length: number) => boolean;

/**
 * Gives pages back and waits for the kernel, for all volumes of a thread: a piece a turn of the event loop, and none while
 * the disk is slow.
 */
export class PunchNow {
  readonly #clock: Pick<Clock, "now">;
  readonly #punch: Punch;
  readonly #patience = new Patience(coreWait);
  readonly #turns = new AtMost(1);

  constructor(clock: Pick<Clock, "now">, punch: Punch = fallocate) {
    this.#clock = clock;
    this.#punch = punch;
  }

  /** False: not all of it was given back. */
  async do(fd: number, offset: number, length: number): Promise<boolean> {
    const end = offset + length;
    for (let at = offset; at < end; at += VOLUME_PUNCHED_AT_ONCE_BYTES) {
      const piece = Math.min(VOLUME_PUNCHED_AT_ONCE_BYTES, end - at);
      if (!(await this.#turns.do(() => this.#one(fd, at, piece)))) return false;
    }
    return true;
  }

  async #one(fd: number, offset: number, length: number): Promise<boolean> {
    await setImmediate();
    const began = this.#clock.now();
    if (!this.#patience.begin(began)) return false;
    const isPunched = this.#punch(fd, offset, length);
    this.#patience.took(began, this.#clock.now());
    return isPunched;
  }
}

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

let loaded: Punch | undefined;

/** fallocate(2), which Node itself has not. Where it cannot be called, nothing is given back. */
export const fallocate: Punch = (fd, offset, length) => {
  loaded ??= load();
  return loaded(fd, offset, length);
};

function load(): Punch {
  const opened = openLibc({
    fallocate: { arguments: ["i32", "i32", "i64", "i64"], return: "i32" },
  });
  if (opened === undefined) return () => false;
  const { library } = opened;
  const mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
  return (fd, offset, length) =>
    library.functions.fallocate(fd, mode, BigInt(offset), BigInt(length)) === 0;
}
