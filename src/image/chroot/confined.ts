import { type SpawnOptions, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createInterface } from "node:readline";

/**
 * The first process of the namespaces. It ends, and the kernel then ends all others and drops all mounts, when the
 * command ends, or when its descriptor 3 does: because whoever started it closed it, or is no more, however it went.
 * Not `wait -n`: that misses a command which ended before it was called (bash 5.2), and waits for ever. The shell lets
 * what it starts in the background ignore the keyboard's signals: the command is to have them as usual. What packages write down of a machine's name is not ours.
 */
const guard = `
unset SIDUS_GUARD
umask 022
hostname localhost
trap 'exit 143' TERM
(cat <&3 >/dev/null; kill -TERM $$) &
env --default-signal=INT,QUIT "$@" <&0 3<&- &
exec 3<&-
wait $!`;

interface Command {
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly line: (text: string) => void;
  readonly signal: AbortSignal | undefined;
}

export interface Confined extends Command {
  /** Gets all that the command prints. */
  readonly logFile: string;
}

/** Runs a command as root in mount and process namespaces of its own; answers its exit status. */
export async function runConfined(options: Confined): Promise<number> {
  const log = createWriteStream(options.logFile, { flags: "a" });
  const full = new AbortController();
  log.on("error", (error) => full.abort(error));
  const signals = [full.signal, ...(options.signal === undefined ? [] : [options.signal])];
  try {
    const status = await confine({
      ...options,
      terminal: false,
      line(text) {
        log.write(`${text}\n`);
        options.line(text);
      },
      signal: AbortSignal.any(signals),
    });
    full.signal.throwIfAborted();
    return status;
  } finally {
    await new Promise<void>((resolve) => log.end(() => resolve()));
  }
}

/**
 * Answers when nothing of the namespaces is left. With `terminal` the command has ours, and the keyboard's signals go to
 * it alone; otherwise it reads nothing, and they go to nobody: Ctrl-C is for us to pass on, not for the whole group.
 */
export async function confine(options: Command & { readonly terminal: boolean }): Promise<number> {
  const unshare = ["unshare", "--mount", "--propagation=private", "--uts", "--pid", "--mount-proc"];
  const child = spawn(
    "env",
    [
      ...["--ignore-signal=INT,QUIT", ...unshare, "--fork", "--kill-child"],
      ...["bash", "-c", 'eval "$SIDUS_GUARD"', "sidus-guard", ...options.command],
    ],
    // There, and not on the command line, a script is in nobody's way who lists processes.
    { env: { ...options.environment, SIDUS_GUARD: guard }, ...stdioOf(options.terminal) },
  );
  const life = child.stdio[3];
  if (life === null || life === undefined || !("end" in life)) throw new Error("no pipe");
  const stop = (): void => void life.end();
  // The guard may be gone before its input is closed.
  life.on("error", () => {});
  // Flowing: what is not read to its end is never closed.
  life.on("data", () => {});
  for (const stream of [child.stdout, child.stderr]) {
    if (stream !== null) createInterface({ input: stream }).on("line", options.line);
  }
  options.signal?.addEventListener("abort", stop);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      // Only now is nobody left that could still write into the tree.
      child.once("close", (code) => resolve(code ?? 1));
      if (options.signal?.aborted === true) stop();
    });
  } finally {
    options.signal?.removeEventListener("abort", stop);
  }
}

function stdioOf(terminal: boolean): SpawnOptions {
  return terminal
    ? { stdio: ["inherit", "inherit", "inherit", "pipe"] }
    : { detached: true, stdio: ["ignore", "pipe", "pipe", "pipe"] };
}
