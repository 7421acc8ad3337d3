import { execFileSync } from "node:child_process";
import type { Namespace } from "../../test/namespace.ts";
import { compile, type LoadResult, runLoad } from "../load.ts";

/** What a load, and any other initiator, needs to know of a server. */
export interface IscsiServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly target: string;
  readonly lun: number;
  /** What it serves: a file that `fill` made. */
  readonly file: string;
  readonly bytes: number;
  readonly pid: number;
}

export interface LoadOptions {
  readonly work: `${"random" | "sequential"}-${"read" | "write"}`;
  readonly sessions: number;
  /** Commands outstanding in each of them. */
  readonly depth: number;
  /** Bytes of each command. */
  readonly size: number;
  readonly seconds: number;
}

export interface Load {
  run(server: IscsiServer, options: LoadOptions): Promise<LoadResult>;
  /** Makes a file in which each block is told by its address, sparse where the file system is asked for no room yet. */
  fill(file: string, bytes: number): void;
}

/** load.c, compiled into a directory. */
export function compileLoad(directory: string, namespace: Pick<Namespace, "spawn">): Load {
  const here = new URL(import.meta.url);
  const program = compile(directory, here, ["load.c", "session.c", "pattern.c"]);
  return {
    run(server, { work, sessions, depth, size, seconds }) {
      const { address, port, target, lun, bytes, pid } = server;
      const how = [work, sessions, depth, size, seconds, pid];
      return runLoad(namespace, program, [address, port, target, lun, bytes, ...how].map(String));
    },
    fill(file, bytes) {
      execFileSync(program, ["fill", file, String(bytes)]);
    },
  };
}
