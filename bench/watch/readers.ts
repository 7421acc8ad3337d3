import type { Namespace } from "../../test/namespace.ts";
import { runUntilEnd } from "../processes.ts";

const READERS = 4;

/** Follows a server as browsers, terminals and a Prometheus do, until `running` ends; `before`: what runs each. */
export function follow(
  namespace: Namespace,
  origin: string,
  before: readonly string[],
  running: AsyncDisposableStack,
): void {
  const run = (...command: string[]): void => {
    const [program = "", ...args] = [...before, ...command];
    runUntilEnd(namespace, program, args, running);
  };
  for (let reader = 0; reader < READERS; reader += 1) {
    run("curl", "--silent", "--no-buffer", `${origin}/events`);
  }
  run("curl", "--silent", "--rate", "60/m", `${origin}/metrics?[1-1000000]`);
}
