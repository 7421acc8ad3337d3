import { VOLUME_PUNCHES_TOGETHER } from "../limits.ts";
import type { PunchNow } from "./punch-now.ts";
import { NOT_FOUND, runOn } from "./tool.ts";

export interface PuncherOptions {
  readonly fd: number;
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
  #waiting: Wish[] = [];
  #isRunning = false;
  /** By a process. */
  #isPossible = true;
  #isWarned = false;

  constructor(options: PuncherOptions) {
    this.#options = options;
  }

  /** Whole pages. False: they read as they did, or as zeros, and take room. */
  async punch(offset: number, length: number): Promise<boolean> {
    const { fd, punchNow } = this.#options;
    if (await punchNow.do(fd, offset, length)) return true;
    return this.#isPossible && this.#punchLater(offset, length);
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
