import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { TOOL_COMPLAINTS_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";

export interface Tool {
  readonly command: readonly [string, ...string[]];
  /** The Debian package that has it. */
  readonly debian: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Its standard input; there is none unless said. What it throws ends the program. */
  readonly input?: AsyncIterable<Uint8Array>;
  /** Gets each line that it prints; a carriage return ends one too. */
  readonly line?: (text: string) => void;
  /** Gets each line that it complains. */
  readonly complaint?: (text: string) => void;
  readonly started?: (pid: number) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface ToolOutcome {
  /** Null when a signal ended it. */
  readonly status: number | null;
  /** The first of its complaints. */
  readonly complaints: readonly string[];
}

/**
 * Runs a program to its end: only when nobody writes any more is there an answer. It ends with this process, however
 * that goes, and when it is asked to.
 * @throws UserError where it is not installed; what `signal` says once it has ended, and what its input does.
 */
export async function runTool(tool: Tool): Promise<ToolOutcome> {
  const { command, signal } = tool;
  signal?.throwIfAborted();
  const child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...command], {
    // Ctrl-C at the terminal is for us to pass on, not for the whole group at once.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, LC_ALL: "C", ...tool.environment },
  });
  if (child.pid !== undefined) tool.started?.(child.pid);
  const complaints: string[] = [];
  const fed = feed(child.stdin, tool.input);
  createInterface({ input: child.stdout }).on("line", (text) => tool.line?.(text));
  createInterface({ input: child.stderr }).on("line", (text) => {
    if (complaints.length < TOOL_COMPLAINTS_MAX) complaints.push(text);
    tool.complaint?.(text);
  });
  const stop = (): void => void child.kill();
  signal?.addEventListener("abort", stop);
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).finally(() => signal?.removeEventListener("abort", stop));
  signal?.throwIfAborted();
  const failure = await fed;
  if (failure !== undefined) throw failure;
  if (complaints[0]?.startsWith("setpriv: failed to execute") === true) throw missing(tool);
  return { status, complaints };
}

function missing({ command: [program], debian }: Tool): UserError {
  return new UserError(`${program} is not installed: apt-get install ${debian}`);
}

/** Answers what the input threw; a program may well end before it has read all. */
async function feed(
  stdin: Writable,
  input: AsyncIterable<Uint8Array> | undefined,
): Promise<unknown> {
  let failure: unknown;
  const watched = async function* (): AsyncGenerator<Uint8Array> {
    try {
      if (input !== undefined) yield* input;
    } catch (error) {
      failure = error;
      throw error;
    }
  };
  await pipeline(watched, stdin).catch(() => {});
  return failure;
}
