import process from "node:process";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Interrupt extends Disposable {
  readonly signal: AbortSignal;
}

/** While it is there, whoever ends the process asks it to end by itself, with nothing half done left behind. */
export function openInterrupt(): Interrupt {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  for (const signal of signals) process.on(signal, stop);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const signal of signals) process.off(signal, stop);
    },
  };
}
