import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Namespace } from "../../test/namespace.ts";
import type { LoadResult } from "../load.ts";

/** A load that is started once, with SECONDS 0, and runs when it is told to (measure.h). */
export class SlicedLoad implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(namespace: Namespace, [command = "", ...args]: readonly string[]) {
    const child = namespace.spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
    if (child.stdout === null) throw new Error("pipes were asked for");
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  }

  /** @throws Error where the load ended; it said why. */
  async run(seconds: number): Promise<LoadResult> {
    this.#child.stdin?.write(`${seconds}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error("the load failed");
    return JSON.parse(value) as LoadResult;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.stdin?.end();
    await ended;
  }
}
