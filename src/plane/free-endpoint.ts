import { RPC_KEEP_ALIVE_MS } from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { listenTcp } from "../net/tcp.ts";

/** Threads share a port with whoever asks for it: only one that asks for it alone learns that it is taken. */
export async function freeEndpoint(local: Endpoint): Promise<Endpoint> {
  const nobody = { data() {}, drained() {}, closed() {} };
  await using alone = await listenTcp({
    local,
    connectionsMax: 1,
    keepAliveMs: RPC_KEEP_ALIVE_MS,
    accept(connection) {
      connection.destroy();
      return nobody;
    },
    refused() {},
  });
  return alone.local;
}
