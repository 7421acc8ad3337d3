import {
  RPC_CONNECTIONS_MAX,
  RPC_CONNECTIONS_PER_HOST_MAX,
  RPC_KEEP_ALIVE_MS,
  RPC_STALLED_MS,
} from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { listenTcp, type TcpListener } from "../net/tcp.ts";
import { RpcConnection } from "./connection.ts";
import { type RpcService, refuse } from "./program.ts";

export interface RpcServerOptions extends RpcService {
  readonly local: Endpoint;
  /** Other threads serve at the same endpoint. */
  readonly isShared?: boolean;
}

/** Serves RPC programs at one TCP port. */
export function serveRpc({
  local,
  isShared = false,
  ...service
}: RpcServerOptions): Promise<TcpListener> {
  return listenTcp({
    local,
    isShared,
    connectionsMax: RPC_CONNECTIONS_MAX,
    connectionsPerHostMax: RPC_CONNECTIONS_PER_HOST_MAX,
    keepAliveMs: RPC_KEEP_ALIVE_MS,
    stalledMs: RPC_STALLED_MS,
    traffic: service.traffic,
    accept: (connection) => new RpcConnection(connection, service),
    refused: () => refuse(service, "connections"),
  });
}
