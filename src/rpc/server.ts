import { RPC_CONNECTIONS_MAX, RPC_KEEP_ALIVE_MS } from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { listenTcp, type TcpListener } from "../net/tcp.ts";
import type { Tell } from "../watch/events.ts";
import { RpcConnection } from "./connection.ts";
import { type Mapping, PORTMAP_PROGRAM, PORTMAP_VERSION, portmapProgram } from "./portmap.ts";
import { type RpcService, refuse } from "./program.ts";

export interface RpcServerOptions extends RpcService {
  readonly local: Endpoint;
}

/** Serves RPC programs at one TCP port. */
export function serveRpc({ local, ...service }: RpcServerOptions): Promise<TcpListener> {
  return listenTcp({
    local,
    connectionsMax: RPC_CONNECTIONS_MAX,
    keepAliveMs: RPC_KEEP_ALIVE_MS,
    accept: (connection) => new RpcConnection(connection, service),
    refused: () => refuse(service, "connections"),
  });
}

export interface PortmapOptions {
  /** Port 111: klibc's nfsmount asks there, by TCP, and nowhere else. */
  readonly local: Endpoint;
  readonly mappings: () => readonly Mapping[];
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

export async function servePortmap(options: PortmapOptions): Promise<TcpListener> {
  const { local, mappings, tell, report } = options;
  const self = { program: PORTMAP_PROGRAM, version: PORTMAP_VERSION, port: local.port };
  const program = portmapProgram(() => [self, ...mappings()]);
  return serveRpc({ local, protocol: "portmap", programs: [program], tell, report });
}
