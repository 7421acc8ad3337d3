import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

/** Whether anything is mounted at a directory or below it, in any mount namespace of this machine. */
export function isMounted(directory: string): boolean {
  return processIds().some((pid) => read(`/proc/${pid}/mountinfo`).includes(` ${directory}`));
}

/** Other processes whose command line has the text. */
export function processesNaming(text: string): string[] {
  return processIds()
    .filter((pid) => pid !== String(process.pid))
    .map((pid) => read(`/proc/${pid}/cmdline`).replaceAll("\0", " "))
    .filter((commandLine) => commandLine.includes(text));
}

function processIds(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
