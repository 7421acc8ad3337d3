import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Namespace } from "../test/namespace.ts";

/** The load generators: C that is compiled when it is needed. */

/** What a load found; errors are answers other than expected and data that are missing. */
export interface LoadResult {
  readonly calls: number;
  readonly seconds: number;
  /** Of what was read or written. */
  readonly bytes: number;
  readonly errors: number;
  /** A trace of NFS: lookups of what the trace's node knew from elsewhere. */
  readonly added: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Seconds, all threads. */
  readonly serverCpu: number;
  readonly loadCpu: number;
}

const common = ["measure.c", "sockets.c"];

/** Compiles files of a directory, and what all loads share, into another one; answers the program. */
export function compile(directory: string, from: URL, names: readonly string[]): string {
  const program = join(directory, "load");
  const sources = [
    ...names.map((name) => new URL(name, from)),
    ...common.map((name) => new URL(name, import.meta.url)),
  ];
  execFileSync("cc", ["-O2", "-o", program, ...sources.map((source) => fileURLToPath(source))]);
  return program;
}

export async function runLoad(
  namespace: Pick<Namespace, "spawn">,
  command: string,
  args: readonly string[],
): Promise<LoadResult> {
  const child = namespace.spawn(command, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout?.on("data", (bytes: Buffer) => {
    output += bytes.toString();
  });
  const [code] = await once(child, "close");
  if (code !== 0) throw new Error(`the load failed: ${args.join(" ")}`);
  return JSON.parse(output) as LoadResult;
}
