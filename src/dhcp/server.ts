import type { NodeFacts } from "../boot/facts.ts";
import { ANY_ADDRESS, type Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import { interfaceAddresses } from "../net/interfaces.ts";
import { openUdp } from "../net/udp.ts";
import { hearOnInterface } from "../net/udp-interface.ts";
import type { Lease } from "./leases.ts";
import { DhcpResponder, type ResponderDeps } from "./responder.ts";

export interface DhcpServer extends AsyncDisposable {
  /** Where it listens: differs from the port asked for where that was 0. */
  readonly port: number;
  /** The lease under which the address was last in use, also when it has ended. */
  leaseOf(address: Ipv4): Lease | undefined;
  /** The address of the node, as long as its lease runs. */
  addressOf(mac: MacAddress): Ipv4 | undefined;
  /** Who got the address last, for TFTP and HTTP requests, and for volumes. */
  nodeAt(address: Ipv4): NodeFacts | undefined;
}

/**
 * Two sockets, because one cannot do both without raw sockets:
 *
 *   any address, on the interface    hears broadcasts; cannot broadcast without a default route
 *   the server's address             hears unicasts (renewals, relays); broadcasts out of the interface that has it
 *
 * The port is shared: other DHCP servers may have it for other interfaces (libvirt's dnsmasq).
 */
export async function serveDhcp(deps: ResponderDeps): Promise<DhcpServer> {
  const { serverAddress } = deps.settings();
  const responder = new DhcpResponder(deps);
  await using sockets = new AsyncDisposableStack();
  const speaker = sockets.use(
    await openUdp({
      local: { address: serverAddress, port: deps.ports.server },
      receive: (bytes) => respond(bytes),
      report: deps.report,
      broadcast: true,
      reuseAddress: true,
    }),
  );
  const respond = (bytes: Uint8Array): void => {
    const reply = responder.receive(bytes);
    if (reply !== undefined) speaker.send(reply.bytes, reply.to);
  };
  sockets.use(await hearBroadcasts(serverAddress, speaker.local.port, respond, deps.report));

  const open = sockets.move();
  return {
    port: speaker.local.port,
    leaseOf: (address) => responder.leaseOf(address),
    addressOf: (mac) => responder.addressOf(mac),
    nodeAt: (address) => responder.nodeAt(address),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Where the kernel has no IPv6 at all, other interfaces are heard too, but answers still leave by the one alone. */
async function hearBroadcasts(
  serverAddress: Ipv4,
  port: number,
  receive: (bytes: Uint8Array) => void,
  report: ResponderDeps["report"],
): Promise<AsyncDisposable> {
  const interfaceName = interfaceAddresses().find(({ address }) => address === serverAddress)?.name;
  if (interfaceName !== undefined) {
    try {
      return await hearOnInterface({ interfaceName, port, receive, report });
    } catch (error) {
      report(`DHCP: hears the broadcasts of every interface, not of ${interfaceName} alone`, error);
    }
  }
  const local = { address: ANY_ADDRESS, port };
  return openUdp({ local, receive, report, reuseAddress: true });
}
