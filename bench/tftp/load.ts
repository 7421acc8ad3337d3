import type { Namespace } from "../../test/namespace.ts";
import { compile, type LoadResult, runLoad } from "../load.ts";

/** What a load needs to know of a server. A port that is missing: it has no such protocol. */
export interface FileServer {
  readonly name: string;
  readonly tftpPort: number;
  readonly httpPort?: number;
  readonly pid: number;
}

export interface LoadOptions {
  readonly protocol: "tftp" | "http";
  readonly windowBlocks: number;
  readonly clients: number;
  readonly seconds: number;
}

export const ADDRESS = "10.13.20.1";
/** What PXELINUX, GRUB and iPXE ask for fits an Ethernet frame. */
const BLOCK_BYTES = 1468;

export type Load = (server: FileServer, options: LoadOptions) => Promise<LoadResult>;

/** What is got: a file that servers know by `name`. */
export interface Wanted {
  readonly name: string;
  readonly path: string;
}

/** load.c, compiled into a directory: the program. */
export function compileProgram(directory: string): string {
  return compile(directory, new URL(import.meta.url), ["load.c", "tftp.c", "http.c"]);
}

export function argumentsOf(
  server: Omit<FileServer, "name">,
  { name, path }: Wanted,
  { protocol, windowBlocks, clients, seconds }: LoadOptions,
): string[] {
  const port = protocol === "tftp" ? server.tftpPort : server.httpPort;
  const how = [BLOCK_BYTES, windowBlocks, clients, seconds, server.pid];
  return [protocol, ADDRESS, port, name, path, ...how].map(String);
}

/** Loads from their beginning to their end. */
export function compileLoad(
  directory: string,
  namespace: Pick<Namespace, "spawn">,
  wanted: Wanted,
): Load {
  const program = compileProgram(directory);
  return (server, options) => runLoad(namespace, program, argumentsOf(server, wanted, options));
}
