import type { NodeFacts } from "../../boot/facts.ts";
import type { Ipv4 } from "../../bytes/ipv4.ts";
import type { MacAddress } from "../../bytes/mac.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { openUdp } from "../../net/udp.ts";
import { hearNetworkOf } from "../../net/udp-interface.ts";
import type { AskedAt } from "./answer.ts";
import { ProxyResponder, type ProxyResponderDeps } from "./responder.ts";

export interface ProxyServer extends AsyncDisposable {
  /** Where it listens: differ from those asked for where these were 0. */
  readonly ports: { readonly server: number; readonly proxy: number };
  /** Who was last heard to have the address. */
  nodeAt(address: Ipv4): NodeFacts | undefined;
  addressOf(mac: MacAddress): Ipv4 | undefined;
}

/**
 * ProxyDHCP (PXE 2.1 §2.2.3) on port 67, as serveDhcp has it, and boot server (§2.2.4) on 4011. Everything is said from
 * the server's address: firmware drops what another than the one that it asked answers.
 */
export async function serveProxyDhcp(deps: ProxyResponderDeps): Promise<ProxyServer> {
  const { serverAddress } = deps.settings();
  const { report } = deps;
  const responder = new ProxyResponder(deps);
  await using sockets = new AsyncDisposableStack();
  const open = async (port: number, askedAt: AskedAt) => {
    const socket = sockets.use(
      await openUdp({
        local: { address: serverAddress, port },
        receive: (bytes, from) => respond(bytes, from, askedAt),
        report,
        broadcast: true,
        reuseAddress: true,
      }),
    );
    const respond = (bytes: Uint8Array, from: Endpoint, at: AskedAt): void => {
      const reply = responder.receive(bytes, from, at);
      if (reply !== undefined) socket.send(reply.bytes, reply.to);
    };
    return { port: socket.local.port, respond };
  };
  const proxy = await open(deps.ports.proxy, "proxy");
  const server = await open(deps.ports.server, "dhcp");
  const receive = (bytes: Uint8Array, from: Endpoint) => server.respond(bytes, from, "dhcp");
  sockets.use(await hearNetworkOf({ address: serverAddress, port: server.port, receive, report }));

  const opened = sockets.move();
  return {
    ports: { server: server.port, proxy: proxy.port },
    nodeAt: (address) => responder.nodeAt(address),
    addressOf: (mac) => responder.addressOf(mac),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}
