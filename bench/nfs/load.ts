import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Namespace } from "../../test/namespace.ts";
import type { BenchServer } from "./servers.ts";

/** The load generator: load.c, compiled when it is needed. */

/** What a load found; errors are wrong statuses and data that are missing. */
export interface LoadResult {
  readonly calls: number;
  readonly seconds: number;
  /** Of files. */
  readonly bytes: number;
  readonly errors: number;
  /** Trace: lookups of what the trace's node knew from elsewhere. */
  readonly added: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Seconds, all threads. */
  readonly serverCpu: number;
  readonly loadCpu: number;
}

export interface LoadOptions {
  /** As in load.c. */
  readonly work: string;
  /** File that names what the work is about. */
  readonly list: string;
  readonly connections: number;
  readonly depth: number;
  /** Bytes a READ asks for. */
  readonly size: number;
  readonly seconds: number;
}

export type Load = (server: BenchServer, options: LoadOptions) => Promise<LoadResult>;

const sources = ["load.c", "synthetic.c", "trace.c"].map((name) =>
  fileURLToPath(new URL(name, import.meta.url)),
);

/** Compiles it into a directory. `pinned`: a command before it, as taskset. */
export function compileLoad(
  directory: string,
  namespace: Pick<Namespace, "spawn">,
  pinned: readonly string[] = [],
): Load {
  const program = join(directory, "load");
  execFileSync("cc", ["-O2", "-o", program, ...sources]);
  return async (server, options) => {
    const { address, port, mountPort, path, pid } = server;
    const { work, list, connections, depth, size, seconds } = options;
    const target = [address, port, mountPort, path];
    const how = [list, work, connections, depth, size, seconds, pid];
    const [command = program, ...args] = [...pinned, program, ...target, ...how].map(String);
    return run(namespace, command, args);
  };
}

async function run(
  namespace: Pick<Namespace, "spawn">,
  command: string,
  args: string[],
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
