import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

/** What a test needs of the machine: a program on the PATH, a file, or the superuser. */
type Need = string | "root";

/**
 * Why a test cannot run here, or undefined. In CI nothing may be missing: that is an error, not a skip.
 * Use as `describe.skipIf(lacking)(title("…", lacking), …)`.
 */
export function lackingOf(...needs: readonly Need[]): string | undefined {
  const missing = needs.filter((need) => !has(need));
  if (missing.length === 0) return undefined;
  const text = `needs ${missing.join(", ")}: sudo npm run doctor -- test --fix`;
  if (process.env["CI"] !== undefined) throw new Error(text);
  return text;
}

/** Says in the title why a test was skipped. */
export function title(text: string, lacking: string | undefined): string {
  return lacking === undefined ? text : `${text} (skipped: ${lacking})`;
}

function has(need: Need): boolean {
  if (need === "root") return process.getuid?.() === 0;
  if (need.startsWith("/")) return existsSync(need);
  return spawnSync("sh", ["-c", `command -v ${need}`]).status === 0;
}
