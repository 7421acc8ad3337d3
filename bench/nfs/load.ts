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

/** load.c, compiled into a directory. `pinned`: a command before it, as taskset. */
export function compileLoad(
  directory: string,
  namespace: Pick<Namespace, "spawn">,
  pinned: readonly string[] = [],
): Load {
  const here = new URL(import.meta.url);
  const program = compile(directory, here, ["load.c", "synthetic.c", "trace.c"]);
  return async (server, options) => {
    const { address, port, mountPort, path, pid } = server;
    const { work, list, connections, depth, size, seconds } = options;
    const target = [address, port, mountPort, path];
    const how = [list, work, connections, depth, size, seconds, pid];
    const [command = program, ...args] = [...pinned, program, ...target, ...how].map(String);
    return runLoad(namespace, command, args);
  };
}
