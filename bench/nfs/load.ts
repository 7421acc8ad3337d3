import type { Namespace } from "../../test/namespace.ts";
import { compile, type LoadResult, runLoad } from "../load.ts";
import type { BenchServer } from "./servers.ts";

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

/** load.c, compiled into a directory: the program. */
export function compileProgram(directory: string): string {
  return compile(directory, new URL(import.meta.url), ["load.c", "synthetic.c", "trace.c"]);
}

export function argumentsOf(server: BenchServer, options: LoadOptions): string[] {
  const { address, port, mountPort, path, pid } = server;
  const { work, list, connections, depth, size, seconds } = options;
  const target = [address, port, mountPort, path];
  return [...target, list, work, connections, depth, size, seconds, pid].map(String);
}

/** A load from its beginning to its end. `pinned`: a command before it, as taskset. */
export function compileLoad(
  directory: string,
  namespace: Pick<Namespace, "spawn">,
  pinned: readonly string[] = [],
): Load {
  const program = compileProgram(directory);
  return async (server, options) => {
    const all = [...pinned, program, ...argumentsOf(server, options)];
    const [command = program, ...args] = all;
    return runLoad(namespace, command, args);
  };
}
