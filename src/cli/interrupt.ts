import process from "node:process";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
  /** While a command has the terminal, Ctrl-C is for that command. */
  lent<T>(command: () => Promise<T>): Promise<T>;
}

/** While it is there, whoever ends the process asks it to end by itself, with nothing half done left behind. */
export function openInterrupt(): Interrupt {
  const controller = new AbortController();
  let isLent = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (signal !== "SIGINT" || !isLent) controller.abort();
  };
  for (const signal of signals) process.on(signal, stop);
  return {
    signal: controller.signal,
    async lent(command) {
      isLent = process.stdin.isTTY;
      try {
        return await command();
      } finally {
        isLent = false;
      }
    },
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}
