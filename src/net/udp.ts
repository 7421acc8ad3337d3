import dgram from "node:dgram";
import { once } from "node:events";
import { formatIpv4, type Ipv4, parseIpv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "./endpoint.ts";
import { listenError } from "./listen-error.ts";

/** Disposing of it lets leave what was sent before. */
export interface UdpSocket extends AsyncDisposable {
  readonly local: Endpoint;
  /** Fire and forget, as UDP is: what could not be sent goes to `report`. The bytes must not change until the next turn. */
  send(bytes: Uint8Array, to: Endpoint): void;
}

export interface UdpOptions {
  /** Port 0 lets the system choose. */
  readonly local: Endpoint;
  /** `bytes` are the receiver's only until it returns. */
  readonly receive: (bytes: Uint8Array, from: Endpoint) => void;
  readonly report: (what: string, error: unknown) => void;
  /** May send to 255.255.255.255: out of the interface that has the local address. */
  readonly broadcast?: boolean;
  /** Several sockets may share the port, on different addresses. */
  readonly reuseAddress?: boolean;
  /** What may wait while we are busy, as far as net.core.rmem_max allows it; otherwise the system's default. */
  readonly receiveBuffer?: number;
}

export async function openUdp(options: UdpOptions): Promise<UdpSocket> {
  const { local, receive, report } = options;
  const socket = dgram.createSocket({
    type: "udp4",
    reuseAddr: options.reuseAddress ?? false,
    ...(options.receiveBuffer === undefined ? {} : { recvBufferSize: options.receiveBuffer }),
    // Only addresses are sent to: there is nothing to look up, nor to wait for.
    lookup: (address, _options, found) => found(null, address, 4),
  });
  socket.on("message", (bytes, from) => {
    const address = cachedAddress(from.address);
    // A forged port 0 cannot be answered: node:dgram throws at it.
    if (address !== undefined && from.port !== 0) receive(bytes, { address, port: from.port });
  });
  try {
    const listening = once(socket, "listening");
    socket.bind({ address: formatIpv4(local.address), port: local.port, exclusive: true });
    await listening;
  } catch (error) {
    socket.close();
    throw listenError("UDP", local, error);
  }
  socket.on("error", (error) => report("UDP socket", error));
  if (options.broadcast === true) socket.setBroadcast(true);

  let open = true;
  let unsent = 0;
  let allSent = (): void => {};
  return {
    local: { address: local.address, port: socket.address().port },
    send(bytes, to) {
      if (!open) return;
      unsent += 1;
      socket.send(bytes, to.port, cachedText(to.address), (error) => {
        unsent -= 1;
        if (unsent === 0) allSent();
        if (error !== null) report(`UDP send to ${formatIpv4(to.address)}:${to.port}`, error);
      });
    },
    async [Symbol.asyncDispose]() {
      if (!open) return;
      open = false;
      if (unsent > 0) {
        await new Promise<void>((resolve) => {
          allSent = resolve;
        });
      }
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

/** node:dgram wants text, and says it; transfers move thousands of datagrams to and from one address. */
let lastAddress: Ipv4 | undefined;
let lastText = "";

function cachedText(address: Ipv4): string {
  if (address !== lastAddress) {
    lastAddress = address;
    lastText = formatIpv4(address);
  }
  return lastText;
}

export function cachedAddress(text: string): Ipv4 | undefined {
  if (text !== lastText) {
    lastAddress = parseIpv4(text);
    lastText = text;
  }
  return lastAddress;
}
