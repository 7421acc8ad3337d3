import { HEADER_BYTES } from "../../dhcp/packet.ts";
import { STORM_RELAY_BUFFER_BYTES } from "../../limits.ts";
import type { Endpoint } from "../../net/endpoint.ts";
import { loadBatching, openBatchedUdp } from "../../net/udp-batch.ts";

export interface RelayOptions {
  /** The relay's address, port 67: where servers send what is for nodes behind it (RFC 2131 §4.1). */
  readonly local: Endpoint;
  /** Each gets all that nodes send. */
  readonly servers: readonly Endpoint[];
  /** The bytes are the receiver's own. */
  readonly reply: (xid: number, datagram: Uint8Array) => void;
  readonly report: (what: string, error: unknown) => void;
}

export interface Relay extends AsyncDisposable {
  readonly local: Endpoint;
  send(datagram: Uint8Array): void;
}

const XID_OFFSET = 4;

/** The one socket of all simulated nodes' DHCP. */
export async function openRelay({ local, servers, reply, report }: RelayOptions): Promise<Relay> {
  const socket = await openBatchedUdp(
    {
      local,
      receive(bytes) {
        if (bytes.length < HEADER_BYTES) return;
        const datagram = Uint8Array.from(bytes);
        reply(new DataView(datagram.buffer).getUint32(XID_OFFSET), datagram);
      },
      report,
      // A server on this machine has the port, too, for other addresses.
      reuseAddress: true,
      receiveBuffer: STORM_RELAY_BUFFER_BYTES,
    },
    loadBatching(),
  );
  return {
    local: socket.local,
    send(datagram) {
      for (const server of servers) socket.send(datagram, server);
    },
    [Symbol.asyncDispose]: () => socket[Symbol.asyncDispose](),
  };
}
