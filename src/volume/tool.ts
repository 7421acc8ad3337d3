import { spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** What a shell answers where a program is not there. */
export const NOT_FOUND = 127;
const FAILED = -1;

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
  return new Promise((resolve) => {
    const failed = (error: unknown): void => {
      line(String(error));
      resolve(isMissing(error) ? NOT_FOUND : FAILED);
    };
    try {
      const env = { ...process.env, LC_ALL: "C" };
      const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe", fd], env });
      child.once("error", failed);
      child.once("close", (code) => resolve(code ?? FAILED));
      // Without a descriptor left there are none, whatever their types say.
      for (const output of [child.stdout, child.stderr]) {
        if (output?.readable === true) createInterface({ input: output }).on("line", line);
      }
    } catch (error) {
      failed(error);
    }
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
