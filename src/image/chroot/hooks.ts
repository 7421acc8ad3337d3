import { spawn } from "node:child_process";
import { accessSync, constants, readdirSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { UserError } from "../../user-error.ts";
import { isInUserNamespace } from "../namespace/user-namespace.ts";

export interface Hooked {
  /** What is done to the tree: `chroot`, `update`, `edit`, … */
  readonly action: string;
  /** Of the tree or the image. */
  readonly name: string;
  readonly tree: string;
  readonly log: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Holds before.d and after.d. */
  readonly directory?: string;
}

/**
 * Runs the administrator's programs of before.d or after.d on this machine, one after another, in the order of their
 * names; run-parts(8) says which names those are. The first that fails stops it. @throws UserError
 */
export async function runHooks(when: "before" | "after", hooked: Hooked): Promise<void> {
  const directory = join(hooked.directory ?? hooksDirectory(), `${when}.d`);
  for (const program of programsIn(directory)) {
    throwIfInterrupted(program, hooked);
    const status = await run(program, hooked);
    throwIfInterrupted(program, hooked);
    if (status === 0) continue;
    throw new UserError(`the hook ${program} ${status}`, { exitCode: 1 });
  }
}

function throwIfInterrupted(program: string, { signal }: Hooked): void {
  if (signal?.aborted !== true) return;
  throw new UserError(`the hook ${program} was interrupted`, { exitCode: 1 });
}

/** root's are the machine's; a user has their own. */
function hooksDirectory(): string {
  if (process.getuid?.() === 0 && !isInUserNamespace()) return "/etc/sidus/hooks";
  const configuration = process.env["XDG_CONFIG_HOME"] || join(homedir(), ".config");
  return join(configuration, "sidus/hooks");
}

function programsIn(directory: string): string[] {
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => /^[\w-]+$/.test(name))
    .sort()
    .map((name) => join(directory, name))
    .filter(isProgram);
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** 0, or how it failed. */
function run(program: string, hooked: Hooked): Promise<0 | string> {
  const child = spawn(program, [], {
    // A group of its own, to end all of it.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      SIDUS_ACTION: hooked.action,
      SIDUS_NAME: hooked.name,
      SIDUS_TREE: hooked.tree,
    },
  });
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", hooked.log);
  }
  const stop = (): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGTERM");
  };
  hooked.signal?.addEventListener("abort", stop);
  return new Promise<0 | string>((resolve) => {
    child.once("error", (error) => resolve(`cannot be run: ${error.message}`));
    // Not `close`: a daemon that it starts may keep its output open, and must not keep us.
    child.once("exit", (code, signal) => {
      for (const stream of [child.stdout, child.stderr]) {
        if ("unref" in stream && typeof stream.unref === "function") stream.unref();
      }
      if (code === 0) resolve(0);
      else resolve(code === null ? `was ended by ${signal}` : `failed with exit status ${code}`);
    });
  }).finally(() => hooked.signal?.removeEventListener("abort", stop));
}
