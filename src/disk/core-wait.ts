import { readFileSync } from "node:fs";

/** How long this thread waited for a core: proc(5), the second figure of schedstat, in nanoseconds. 0 where the kernel counts none. */
export function coreWait(): number {
  try {
    const [, waited = "0"] = readFileSync("/proc/thread-self/schedstat", "latin1").split(" ");
    return Number(waited) / 1e6;
  } catch {
    return 0;
  }
}
