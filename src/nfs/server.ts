import type { Endpoint } from "../net/endpoint.ts";
import type { TcpListener } from "../net/tcp.ts";
import type { Traffic } from "../net/traffic.ts";
import { serveRpc } from "../rpc/server.ts";
import type { Tell } from "../watch/events.ts";
import { aclProgram } from "./acl.ts";
import { type Export, servedExports } from "./exports.ts";
import { mountProgram } from "./mount.ts";
import { type MountList, Mounts } from "./mounts.ts";
import { nfsProgram } from "./program.ts";
import { Uses, type VersionUse } from "./uses.ts";

export type { Export } from "./exports.ts";

export interface NfsOptions {
  readonly local: Endpoint;
  /** Other threads serve at the same endpoint, and the kernel spreads the connections. */
  readonly isShared?: boolean;
  /** Asked at every call: another list takes effect at once, and handles stay good for exports that keep name and tree. */
  readonly exports: () => readonly Export[];
  /** Who mounted what, where several servers share it; else its own. */
  readonly mounts?: MountList;
  /** Its calls and all bytes are added to it, and calls of MOUNT to another. */
  readonly traffic?: Traffic;
  readonly mountTraffic?: Traffic;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

export interface NfsServer extends TcpListener {
  /** Who used which version of the exports that have several, since this was last asked. */
  takeUses(): readonly VersionUse[];
}

/** NFS and MOUNT at one TCP port. */
export async function serveNfs(options: NfsOptions): Promise<NfsServer> {
  const { local, isShared = false, mounts = new Mounts(), tell, report } = options;
  const uses = new Uses();
  const exports = servedExports(options.exports, uses);
  const programs = [
    nfsProgram(exports, tell),
    aclProgram(exports, tell),
    mountProgram({ exports, mounts, traffic: options.mountTraffic, tell }),
  ];
  const listener = await serveRpc({
    local,
    isShared,
    protocol: "nfs",
    programs,
    traffic: options.traffic,
    tell,
    report,
  });
  return {
    local: listener.local,
    get connections() {
      return listener.connections;
    },
    hosts: () => listener.hosts(),
    takeUses: () => uses.take(),
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}
