import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** What a shell answers where a program is not there. */
export const NOT_FOUND = 127;

/**
 * Runs a program of the system on an open file: it finds it as /proc/self/fd/3, whatever its name is by now. `line`
 * gets all that it prints, in English. Answers its status.
 */
export function runOn(
  fd: number,
  command: string,
  args: readonly string[],
  line: (text: string) => void,
): Promise<number> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe", fd],
    env: { ...process.env, LC_ALL: "C" },
  });
  for (const output of [child.stdout, child.stderr]) {
    if (output !== null) createInterface({ input: output }).on("line", line);
  }
  return new Promise((resolve) => {
    child.once("error", (error) => {
      line(error.message);
      resolve(NOT_FOUND);
    });
    child.once("close", (code) => resolve(code ?? -1));
  });
}
