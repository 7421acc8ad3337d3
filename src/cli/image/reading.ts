import process from "node:process";
import { openInterrupt } from "../interrupt.ts";
import { openProgressDisplay } from "../progress.ts";

/** Work that reads or writes an image, with a display of how far it is; whoever ends it leaves nothing half done. */
export interface Reading extends Disposable {
  readonly signal: AbortSignal;
  /** Bytes of `total`. */
  progress(done: number, total: number): void;
}

export function openReading(step: string, item = ""): Reading {
  const interrupt = openInterrupt();
  // Whoever writes it into a log wants the result.
  const display = process.stderr.isTTY ? openProgressDisplay(process.stderr) : undefined;
  const start = performance.now();
  return {
    signal: interrupt.signal,
    progress(done, total) {
      const elapsedMs = performance.now() - start;
      display?.show({ step, item, done, total, unit: "bytes", elapsedMs });
    },
    [Symbol.dispose]() {
      display?.[Symbol.dispose]();
      interrupt[Symbol.dispose]();
    },
  };
}
