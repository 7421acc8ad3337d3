import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join, relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { buildTree } from "../../image/build/build.ts";
import { systemClock } from "../../net/clock.ts";
import { openBuildDisplay } from "../progress.ts";
import { version } from "../version.ts";

const SUITE = "bookworm";

/** The demonstration's tree: built once into the cache, again when what builds it has changed. */
export async function demoTree(): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "sidus");
  const prefix = `demo-${SUITE}-`;
  const name = `${prefix}${builderDigest()}`;
  const output = join(cache, name);
  if (existsSync(output)) return output;

  mkdirSync(cache, { recursive: true });
  process.stderr.write(`Building the demonstration's tree, once: ${output}\n`);
  const interrupt = new AbortController();
  const stop = (): void => interrupt.abort();
  const signals = ["SIGINT", "SIGTERM"] as const;
  for (const signal of signals) process.on(signal, stop);
  try {
    using display = openBuildDisplay(process.stderr);
    await buildTree(
      {
        name: "demo",
        suite: SUITE,
        include: [],
        mirrors: [],
        output,
        rootPassword: "sidus",
        logFile: join(cache, "demo-build.log"),
        version,
      },
      { clock: systemClock, signal: interrupt.signal, progress: display.show.bind(display) },
    );
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
  for (const old of readdirSync(cache)) {
    if (old.startsWith(prefix) && old !== name) rmSync(join(cache, old), { recursive: true });
  }
  return output;
}

/** Over everything that decides what a tree is like. */
function builderDigest(): string {
  const folder = fileURLToPath(new URL("../../image/", import.meta.url));
  const hash = createHash("sha256");
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const file of entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()) {
    hash.update(`${relative(folder, file)}\0`).update(readFileSync(file));
  }
  return hash.digest("hex").slice(0, 12);
}
