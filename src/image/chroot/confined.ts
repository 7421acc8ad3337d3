import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * The first process of the namespaces. It ends, and the kernel then ends all others and drops all mounts, when the
 * command ends, or when its standard input does: because whoever started it closed it, or is no more, however it went.
 * Not `wait -n`: that misses a command which ended before it was called (bash 5.2), and waits for ever.
 */
const guard = `
umask 022
trap 'exit 143' TERM
(cat >/dev/null; kill -TERM $$) <&0 &
"$@" </dev/null &
wait $!`;

export interface Confined {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Gets all that the command prints. */
  readonly logFile: string;
  readonly line: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** Runs a command as root in mount and process namespaces of its own; answers its exit status. */
export async function runConfined(options: Confined): Promise<number> {
  const log = createWriteStream(options.logFile, { flags: "a" });
  const unshare = ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child"];
  const child = spawn(
    "unshare",
    [...unshare, "--mount-proc", "bash", "-c", guard, "sidus-build", ...options.command],
    // Ctrl-C at the terminal is for us to pass on, not for the whole group at once.
    { detached: true, env: options.environment, stdio: ["pipe", "pipe", "pipe"] },
  );
  const stop = (): void => void child.stdin.end();
  options.signal?.addEventListener("abort", stop);
  // The guard may be gone before its input is closed.
  child.stdin.on("error", () => {});
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (text) => {
      log.write(`${text}\n`);
      options.line(text);
    });
  }
  let logFailure: Error | undefined;
  log.on("error", (error) => {
    logFailure = error;
    stop();
  });
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      // Only now is nobody left that could still write into the tree.
      child.once("close", (code) => {
        if (logFailure === undefined) resolve(code ?? 1);
        else reject(logFailure);
      });
      if (options.signal?.aborted === true) stop();
    });
  } finally {
    options.signal?.removeEventListener("abort", stop);
    stop();
    await new Promise<void>((resolve) => log.end(() => resolve()));
  }
}
