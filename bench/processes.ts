import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { Namespace } from "../test/namespace.ts";

/** Servers as processes of a private network. */

/** Killed when `cleanup` is. */
export function runUntilEnd(
  namespace: Namespace,
  command: string,
  args: readonly string[],
  cleanup: AsyncDisposableStack,
): ChildProcess {
  const child = namespace.spawn(command, args, { stdio: ["ignore", "ignore", "inherit"] });
  cleanup.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  });
  return child;
}

/** @throws Error where the server ends before it does. */
export async function listening(
  namespace: Namespace,
  port: number,
  server: ChildProcess,
): Promise<void> {
  while (!namespace.run("ss", "-Hltn", `sport = ${port}`).includes(`:${port}`)) {
    if (server.exitCode !== null) throw new Error(`${server.spawnfile} ended; port ${port}`);
    await setTimeout(50);
  }
}

export function pidOf(child: ChildProcess): number {
  if (child.pid === undefined) throw new Error(`${child.spawnfile} did not start`);
  return child.pid;
}

/** Its resident memory in MiB. */
export function residentMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
