import type { Endpoint } from "../net/endpoint.ts";
import type { TcpListener } from "../net/tcp.ts";
import { serveRpc } from "../rpc/server.ts";
import type { Tell } from "../watch/events.ts";
import { type Export, servedExports } from "./exports.ts";
import { mountProgram } from "./mount.ts";
import { nfsProgram } from "./program.ts";

export type { Export } from "./exports.ts";

export interface NfsOptions {
  readonly local: Endpoint;
  /** Asked at every call: another list takes effect at once, and handles stay good for exports that keep name and tree. */
  readonly exports: () => readonly Export[];
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

/** NFS and MOUNT at one TCP port. */
export function serveNfs({ local, exports, tell, report }: NfsOptions): Promise<TcpListener> {
  const served = servedExports(exports);
  const programs = [nfsProgram(served, tell), mountProgram(served, tell)];
  return serveRpc({ local, protocol: "nfs", programs, tell, report });
}
