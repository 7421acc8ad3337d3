import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { type StormResult, stormResult } from "../../src/storm/result.ts";
import type { StormNetwork } from "../../test/storm-room.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** `sidus storm` to its end; `work`: a directory that exists. */
export function runStorm(
  { nodes }: Pick<StormNetwork, "nodes">,
  work: string,
  flags: readonly string[],
): StormResult {
  // Its own: of a storm that breaks off there is none, and not the one before.
  const file = join(mkdtempSync(join(work, "storm-")), "result.json");
  const [command = "", ...enter] = nodes.enter;
  const child = [process.execPath, main, "storm", ...flags, "--json", file];
  // What did not come up is in the result: it is what is measured, too.
  spawnSync(command, [...enter, ...child], { stdio: ["ignore", "ignore", "inherit"] });
  return stormResult.parse(JSON.parse(readFileSync(file, "utf8")));
}
