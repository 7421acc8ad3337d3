import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { defaultRecipe } from "../../../src/image/recipe/default.ts";
import type { Recipe } from "../../../src/image/recipe/recipe.ts";
import { isMounted, processesNaming } from "../remains.ts";

const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** Of the archive of archive.ts. */
export function tinyRecipe(source: string): Recipe {
  return { ...defaultRecipe, suite: "tiny", mirrors: [source] };
}

export interface RunningBuild {
  readonly child: ChildProcess;
  readonly stderr: () => string;
}

/** `sidus build room` into a directory of `parent`, up to where a step begins. @throws where it ends before. */
export async function startBuild(given: {
  readonly parent: string;
  readonly source: string;
  readonly step: string;
  readonly more?: readonly string[];
}): Promise<RunningBuild> {
  const { parent, source, step, more = ["--output", join(parent, "room")] } = given;
  const args = ["build", "room", "--suite", "tiny", "--mirror", source, ...more];
  const child = spawn(process.execPath, [main, ...args, "--log", join(parent, "log")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (bytes: Buffer) => {
    stderr += bytes.toString();
  });
  while (!stderr.includes(` s ${step}`)) {
    if (child.exitCode !== null) {
      throw new Error(`the build ended by itself: ${stderr}${logIn(parent)}`);
    }
    await setTimeout(5);
  }
  return { child, stderr: () => stderr };
}

function logIn(parent: string): string {
  try {
    return readFileSync(join(parent, "log"), "utf8");
  } catch {
    return "";
  }
}

/** The kernel ends the namespaces a moment after their first process. */
export async function gone(parent: string): Promise<void> {
  for (let tries = 0; tries < 50; tries += 1) {
    if (!isMounted(parent) && processesNaming(parent).length === 0) return;
    await setTimeout(100);
  }
}
