import { spawn } from "node:child_process";
import process from "node:process";
import { UserError } from "../user-error.ts";

/**
 * Runs this program again, as root, with network, mounts and processes of its own; answers its exit status. When this
 * process ends, however it does, everything inside ends with it, and the network is gone.
 */
export function inPrivateNetwork(argv: readonly string[]): Promise<number> {
  const [program = ""] = process.argv.slice(1);
  const inside = spawn(
    "unshare",
    [
      ...["--net", "--mount", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"],
      ...[process.execPath, program, ...argv],
    ],
    // The inside stops in order when this channel closes, so also when this process is killed.
    { stdio: ["inherit", "inherit", "inherit", "ipc"] },
  );
  // unshare passes no signal on.
  const stop = (): void => {
    if (inside.connected) inside.disconnect();
  };
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
  for (const signal of signals) process.on(signal, stop);
  return new Promise((resolve, reject) => {
    inside.once("error", (cause) =>
      reject(new UserError(`cannot start unshare: ${cause.message}`, { cause })),
    );
    inside.once("exit", (code) => {
      for (const signal of signals) process.off(signal, stop);
      resolve(code ?? 1);
    });
  });
}

/** Inside: a signal, or the end of the process that started this one. */
export function stopSignals(): AbortController {
  const stop = new AbortController();
  const abort = (): void => stop.abort();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, abort);
  process.once("disconnect", abort);
  // Listening for its end must not keep this process alive.
  process.channel?.unref();
  if (!process.connected) abort();
  return stop;
}
