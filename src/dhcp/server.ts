import type { NodeFacts } from "../boot/facts.ts";
import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import {
  DHCP_RECEIVE_BYTES,
  DHCP_UNSENT_REPORTED_EVERY_MS,
  LEASES_WRITTEN_EVERY_MS,
} from "../limits.ts";
import { afterArrivals, type Clock } from "../net/clock.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { recentNeighbours } from "../net/neighbours.ts";
import { openUdp } from "../net/udp.ts";
import { loadBatching, openBatchedUdp } from "../net/udp-batch.ts";
import { hearNetworkOf } from "../net/udp-interface.ts";
import { Admission } from "./admission.ts";
import type { Lease } from "./leases.ts";
import { DhcpResponder, type ResponderDeps } from "./responder.ts";
import { Spaced } from "./spaced.ts";

export interface DhcpServer extends AsyncDisposable {
  /** Where it listens: differs from the port asked for where that was 0. */
  readonly port: number;
  /** The lease under which the address was last in use, also when it has ended. */
  leaseOf(address: Ipv4): Lease | undefined;
  /** How many addresses are in use: for people, not for each message. */
  countLeases(): number;
  /** The address of the node, as long as its lease runs. */
  addressOf(mac: MacAddress): Ipv4 | undefined;
  /** Who got the address last, for TFTP and HTTP requests, and for volumes. */
  nodeAt(address: Ipv4): NodeFacts | undefined;
}

export type DhcpServerDeps = Omit<ResponderDeps, "neighbours" | "soon">;

/** RFC 863: whoever has it drops what comes; nobody has. */
const DISCARD_PORT = 9;

/**
 * Two sockets, because one cannot do both without raw sockets:
 *
 *   any address, on the interface    hears broadcasts; cannot broadcast without a default route
 *   the server's address             hears unicasts (renewals, relays); broadcasts out of the interface that has it
 *
 * The port is shared: other DHCP servers may have it for other interfaces (libvirt's dnsmasq).
 */
export async function serveDhcp(deps: DhcpServerDeps): Promise<DhcpServer> {
  const { serverAddress } = deps.settings();
  await using sockets = new AsyncDisposableStack();
  const { report } = deps;
  const receiveBuffer = DHCP_RECEIVE_BYTES;
  const asker = sockets.use(
    await openUdp({ local: { address: serverAddress, port: 0 }, receive: () => {}, report }),
  );
  const writes = sockets.use(new Spaced(afterArrivals, deps.clock, LEASES_WRITTEN_EVERY_MS));
  const responder = new DhcpResponder({
    ...deps,
    neighbours: {
      at: recentNeighbours(deps.clock),
      ask: (address) => asker.send(new Uint8Array(0), { address, port: DISCARD_PORT }),
    },
    soon: (work) => writes.do(work),
  });
  sockets.defer(() => responder.finished());
  const local = { address: serverAddress, port: deps.ports.server };
  const receive = (bytes: Uint8Array, from: Endpoint): void => respond(bytes, from);
  const speaks = { local, receive, report: seldom(deps.clock, report) };
  const how = { ...speaks, broadcast: true, reuseAddress: true, receiveBuffer };
  const speaker = sockets.use(await openBatchedUdp(how, loadBatching()));
  const admission = new Admission({
    handle: (bytes, from) =>
      responder.receive(bytes, from, (reply) => speaker.send(reply.bytes, reply.to)),
    refused: () => deps.tell({ kind: "refused", protocol: "dhcp", reason: "busy" }),
    soon: afterArrivals,
  });
  const respond = (bytes: Uint8Array, from: Endpoint): void => admission.receive(bytes, from);
  const { port } = speaker.local;
  const heard = { address: serverAddress, port, receive: respond, report, receiveBuffer };
  sockets.use(await hearNetworkOf(heard));

  const open = sockets.move();
  return {
    port,
    leaseOf: (address) => responder.leaseOf(address),
    countLeases: () => responder.countLeases(),
    addressOf: (mac) => responder.addressOf(mac),
    nodeAt: (address) => responder.nodeAt(address),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

/** Relays that are answered are named by whoever asks: replies to some that cannot be reached are worth one word. */
function seldom(clock: Pick<Clock, "now">, report: DhcpServerDeps["report"]): typeof report {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (what, error) => {
    const now = clock.now();
    if (now - saidAt < DHCP_UNSENT_REPORTED_EVERY_MS) return;
    saidAt = now;
    report(what, error);
  };
}
