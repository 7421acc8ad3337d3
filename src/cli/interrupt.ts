import process from "node:process";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * While it is there, whoever ends the process asks it to end by itself, with nothing half done left behind. Where a
 * command has the terminal, Ctrl-C is for that command.
 */
export function openInterrupt(keyboard: "ours" | "theirs" = "ours"): Interrupt {
  const controller = new AbortController();
  const stop = (signal: NodeJS.Signals): void => {
    if (signal !== "SIGINT" || keyboard === "ours") controller.abort();
  };
  for (const signal of signals) process.on(signal, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}
