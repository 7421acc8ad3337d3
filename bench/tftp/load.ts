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

/** load.c, compiled into a directory; `path` is the file that is got, which servers know by `name`. */
export function compileLoad(
  directory: string,
  namespace: Pick<Namespace, "spawn">,
  { name, path }: { readonly name: string; readonly path: string },
): Load {
  const program = compile(directory, new URL(import.meta.url), ["load.c", "tftp.c", "http.c"]);
  return (server, { protocol, windowBlocks, clients, seconds }) => {
    const port = protocol === "tftp" ? server.tftpPort : server.httpPort;
    const how = [BLOCK_BYTES, windowBlocks, clients, seconds, server.pid];
    return runLoad(namespace, program, [protocol, ADDRESS, port, name, path, ...how].map(String));
  };
}
