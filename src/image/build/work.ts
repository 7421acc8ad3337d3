import { closeSync, mkdirSync, openSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import type { Clock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import { confine } from "../chroot/confined.ts";
import { runInTree } from "../chroot/in-tree.ts";
import type { Progress } from "../progress.ts";
import { BuildSteps } from "./steps.ts";

export interface BuildDeps {
  readonly clock: Clock;
  readonly progress: (progress: Progress) => void;
  /** Gets each line that goes to the log. */
  readonly line?: (text: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What the steps of a build share: its tree, its log, and how commands are run for it. */
export class BuildWork implements Disposable {
  readonly tree: string;
  readonly signal: AbortSignal | undefined;
  readonly steps: BuildSteps;
  readonly #deps: BuildDeps;
  readonly #logFile: string;
  readonly #log: number;
  /** Of every command in the tree from when it is known. */
  #epoch: number | undefined;
  #logFailure: UserError | undefined;
  #isClosed = false;

  /** @throws UserError where there can be no log. */
  constructor(tree: string, logFile: string, deps: BuildDeps) {
    this.tree = tree;
    this.signal = deps.signal;
    this.steps = new BuildSteps(deps.clock);
    this.#deps = deps;
    this.#logFile = logFile;
    try {
      mkdirSync(dirname(logFile), { recursive: true });
      this.#log = openSync(logFile, "w", 0o640);
    } catch (cause) {
      throw new UserError(`cannot write the log ${logFile}: ${String(cause)}`, { cause });
    }
  }

  set epoch(seconds: number) {
    this.#epoch = seconds;
  }

  begin(step: string): void {
    this.signal?.throwIfAborted();
    this.steps.begin(step);
    this.#write(`\n# ${step}`);
    this.#deps.progress(this.steps.current);
  }

  show(progress: Progress): void {
    this.steps.show(progress);
    this.#deps.progress(this.steps.current);
  }

  readonly line = (text: string): void => {
    this.#write(text);
    this.#deps.line?.(text);
    if (this.steps.read(text)) this.#deps.progress(this.steps.current);
  };

  /** In the tree, as its root; `what` names it where it fails. @throws UserError */
  async inTree(
    what: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    await this.#run(what, (log) =>
      runInTree({
        tree: this.tree,
        command,
        environment: { ...this.#reproducible(), ...environment },
        log,
        signal: this.signal,
      }),
    );
  }

  /** On this machine, in namespaces of its own. @throws UserError */
  async confined(
    what: string,
    command: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<void> {
    await this.#run(what, (line) =>
      confine({
        command,
        environment: { ...process.env, ...environment },
        terminal: false,
        line,
        signal: this.signal,
      }),
    );
  }

  async #run(
    what: string,
    start: (line: (text: string) => void) => Promise<number>,
  ): Promise<void> {
    let complaint: string | undefined;
    let last = "";
    const status = await start((text) => {
      // The first one says what went wrong; those after it are its consequences.
      if (/^(?:E:|dpkg: error)/.test(text)) complaint ??= text.trim();
      last = text.trim() || last;
      this.line(text);
    });
    this.signal?.throwIfAborted();
    if (this.#logFailure !== undefined) throw this.#logFailure;
    if (status === 0) return;
    const said = last === "" ? "" : `: ${last}`;
    const why = complaint ?? `${what} ended with status ${status}${said}`;
    throw new UserError(`failed: ${why}; all of it is in ${this.#logFile}`, { exitCode: 1 });
  }

  /** reproducible-builds.org */
  #reproducible(): Record<string, string> {
    return this.#epoch === undefined ? {} : { SOURCE_DATE_EPOCH: String(this.#epoch) };
  }

  #write(text: string): void {
    // What a hook started may go on talking.
    if (this.#isClosed) return;
    try {
      writeSync(this.#log, `${text}\n`);
    } catch (cause) {
      // Said when the command has ended: nobody waits for its lines.
      this.#logFailure ??= new UserError(`cannot write the log ${this.#logFile}: ${cause}`, {
        cause,
        exitCode: 1,
      });
    }
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    closeSync(this.#log);
  }
}
