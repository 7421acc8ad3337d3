import { setImmediate } from "node:timers/promises";
import { coreWait } from "../disk/core-wait.ts";
import { Patience } from "../disk/patience.ts";
import { VOLUME_PUNCHED_AT_ONCE_BYTES, VOLUME_PUNCHES_TOGETHER } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { PunchNow } from "./punch-now.ts";
import { NOT_FOUND, runOn } from "./tool.ts";

export interface PuncherOptions {
  readonly fd: number;
  readonly clock: Pick<Clock, "now">;
  readonly punchNow: PunchNow;
  /** Said once: why nothing is given back. */
  readonly warn: (text: string) => void;
}

interface Wish {
  /** `OFFSET:LENGTH` */
  readonly range: string;
  readonly done: (isPunched: boolean) => void;
}

/** As long as its parent lives: what ran on after a killed server would punch holes into what the next one wrote. */
const mortal = ["setpriv", "--pdeathsig", "KILL"] as const;

/** Programs of util-linux, for each range. */
const script = `
for range; do
  ${mortal.join(" ")} fallocate --punch-hole --keep-size --offset "\${range%:*}" --length "\${range#*:}" \
    /proc/self/fd/3 || exit
done`;

/**
 * Gives pages of one file back to its file system: at once while the disk is quick, else by a process, to which the ranges
 * that wait go together.
 */
export class Puncher {
  readonly #options: PuncherOptions;
  readonly #patience = new Patience(coreWait);
  #waiting: Wish[] = [];
  #isRunning = false;
  #isPossible = true;
  #isWarned = false;

  constructor(options: PuncherOptions) {
    this.#options = options;
  }

  /** Whole pages. False: they read as they did, or as zeros, and take room. */
  async punch(offset: number, length: number): Promise<boolean> {
    if (!this.#isPossible) return false;
    const done = await this.#punchNow(offset, length);
    return done === length || this.#punchLater(offset + done, length - done);
  }

  /** Answers how far it came. Others have their turn between two pieces. */
  async #punchNow(offset: number, length: number): Promise<number> {
    const { fd, clock, punchNow } = this.#options;
    let done = 0;
    while (done < length) {
      if (done > 0) await setImmediate();
      const piece = Math.min(VOLUME_PUNCHED_AT_ONCE_BYTES, length - done);
      const began = clock.now();
      if (!this.#patience.begin(began) || !punchNow(fd, offset + done, piece)) break;
      this.#patience.took(began, clock.now());
      done += piece;
    }
    return done;
  }

  #punchLater(offset: number, length: number): Promise<boolean> {
    return new Promise((done) => {
      this.#waiting.push({ range: `${offset}:${length}`, done });
      if (!this.#isRunning) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#waiting.length > 0) {
      const wishes = this.#waiting.splice(0, VOLUME_PUNCHES_TOGETHER);
      const failure = this.#isPossible ? await this.#fallocate(wishes) : "";
      for (const wish of wishes) wish.done(failure === undefined);
    }
    this.#isRunning = false;
  }

  /** Why it failed. */
  async #fallocate(wishes: readonly Wish[]): Promise<string | undefined> {
    const said: string[] = [];
    const ranges = wishes.map(({ range }) => range);
    const [program, ...options] = mortal;
    const shell = [...options, "sh", "-c", script, "sidus", ...ranges];
    const code = await runOn(this.#options.fd, program, shell, (line) => said.push(line));
    if (code === 0) return undefined;
    const reason = said.join("; ");
    if (code === NOT_FOUND || reason.includes("not supported")) this.#isPossible = false;
    this.#tell(
      code === NOT_FOUND ? "fallocate and setpriv (Debian: util-linux) are not there" : reason,
    );
    return reason;
  }

  #tell(reason: string): void {
    if (this.#isWarned) return;
    this.#isWarned = true;
    this.#options.warn(
      `unused room is not given back to the file system: ${reason}; zeros are written`,
    );
  }
}
