import { type ChildProcess, execFile } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Namespace } from "./namespace.ts";

/** Runs the command line as a user does: another process, judged by exit code and output. */

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export function sidus(...args: readonly string[]): Promise<Outcome> {
  return outcome(process.execPath, [main, ...args]);
}

export function outcome(command: string, args: readonly string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : 1;
      resolve({ code, stdout, stderr });
    });
  });
}

export interface Served extends AsyncDisposable {
  readonly process: ChildProcess;
  /** What it logged so far. */
  log(): string;
  /** Ends it with a signal; answers its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** `sidus serve` in a private network, from start to ready. Throws with its log when it ends before. */
export async function serveIn(
  namespace: Namespace,
  config: string,
  readyFile: string,
  ...more: readonly string[]
): Promise<Served> {
  rmSync(readyFile, { force: true });
  const child = namespace.spawn(
    process.execPath,
    [main, "serve", "--config", config, "--ready-file", readyFile, ...more],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      log += bytes.toString();
    });
  }
  const ended = new Promise<number | null>((resolve) =>
    child.once("exit", (code) => resolve(code)),
  );
  let running = true;
  void ended.then(() => {
    running = false;
  });
  while (!existsSync(readyFile)) {
    if (!running) throw new Error(`sidus serve ended with ${await ended}: ${log}`);
    await setTimeout(20);
  }
  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> => {
    if (running) child.kill(signal);
    return ended;
  };
  return {
    process: child,
    log: () => log,
    stop,
    async [Symbol.asyncDispose]() {
      await stop("SIGKILL");
    },
  };
}

/** A directory with files as given; test/setup.ts removes it after the run. */
export function directoryOf(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "sidus-test-"));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

/** The least that looks like a tree which boots. */
export const smallTree = {
  "boot/vmlinuz-6.1.0-1-amd64": "kernel ".repeat(10_000),
  "boot/initrd.img-6.1.0-1-amd64": "initrd ".repeat(10_000),
  "usr/lib/modules/6.1.0-1-amd64/modules.dep": "",
  "lib/modules/6.1.0-1-amd64/modules.dep": "",
  "usr/lib/PXELINUX/pxelinux.0": "loader ".repeat(6000),
  "usr/lib/syslinux/modules/bios/ldlinux.c32": "ldlinux ".repeat(15_000),
  "etc/hostname": "",
} as const;
