import type { Clock } from "../../net/clock.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import type { TcpListener } from "../../net/tcp.ts";
import { openUdp } from "../../net/udp.ts";
import type { Tell } from "../../watch/events.ts";
import { answerDatagram } from "../datagram.ts";
import { type RpcService, refuse } from "../program.ts";
import { serveRpc } from "../server.ts";
import { bindingsOf, type Mapping, type Netid } from "./bindings.ts";
import { rpcbind } from "./rpcbind.ts";
import { portmapVersion2 } from "./version2.ts";

export interface PortmapOptions {
  /** Port 111: clients ask there, and nowhere else. Both transports get the same. */
  readonly local: Endpoint;
  /** What is at TCP ports; asked at every call. */
  readonly mappings: () => readonly Mapping[];
  readonly clock: Clock;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

/**
 * The portmapper, at TCP and UDP. A source that was forged gains little by UDP: DUMP in version 4 answers 40 bytes with
 * 500, seven times as much on the wire; everything else is about as long as the call.
 */
export async function servePortmap(options: PortmapOptions): Promise<TcpListener> {
  const { mappings, clock, tell, report } = options;
  const { address } = options.local;
  let { port } = options.local;
  const bindings = () => bindingsOf(port, mappings());
  const serviceAt = (netid: Netid): RpcService => {
    const deps = { bindings, address, netid, epochMs: () => clock.epochMs() };
    const programs = [portmapVersion2(bindings, tell), rpcbind(3, deps), rpcbind(4, deps)];
    return { protocol: "portmap", programs, tell, report };
  };
  await using opened = new AsyncDisposableStack();
  const listener = opened.use(await serveRpc({ local: options.local, ...serviceAt("tcp") }));
  port = listener.local.port;
  const service = serviceAt("udp");
  const socket = opened.use(
    await openUdp({
      local: listener.local,
      receive: (bytes, from) => {
        answerDatagram(service, bytes, from.address)
          .then((reply) => {
            if (reply !== undefined) socket.send(reply, from);
          })
          .catch((error) => report("portmapper datagram", error));
      },
      // Whoever forges a source that cannot be sent to would else fill the log.
      report: () => refuse(service, "unsent"),
    }),
  );
  const stack = opened.move();
  return {
    local: listener.local,
    get connections() {
      return listener.connections;
    },
    hosts: () => listener.hosts(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
