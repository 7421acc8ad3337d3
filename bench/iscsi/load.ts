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

/** load.c, compiled into a directory: the program. */
export function compileProgram(directory: string): string {
  return compile(directory, new URL(import.meta.url), ["load.c", "session.c", "pattern.c"]);
}

export function argumentsOf(
  { address, port, target, lun, bytes, pid }: Omit<IscsiServer, "name" | "file">,
  { work, sessions, depth, size, seconds }: LoadOptions,
): string[] {
  const how = [work, sessions, depth, size, seconds, pid];
  return [address, port, target, lun, bytes, ...how].map(String);
}

export function fill(program: string, file: string, bytes: number): void {
  execFileSync(program, ["fill", file, String(bytes)]);
}

/** Loads from their beginning to their end. */
export function compileLoad(directory: string, namespace: Pick<Namespace, "spawn">): Load {
  const program = compileProgram(directory);
  return {
    run: (server, options) => runLoad(namespace, program, argumentsOf(server, options)),
    fill: (file, bytes) => fill(program, file, bytes),
  };
}
