import dgram from "node:dgram";
import { once } from "node:events";
import { ANY_ADDRESS, type Ipv4, parseIpv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "./endpoint.ts";
import { interfaceAddresses } from "./interfaces.ts";
import { listenError } from "./listen-error.ts";
import { openUdp } from "./udp.ts";

export interface InterfaceUdpOptions {
  readonly interfaceName: string;
  readonly port: number;
  /** `bytes` are the receiver's only until it returns. */
  readonly receive: (bytes: Uint8Array, from: Endpoint) => void;
  readonly report: (what: string, error: unknown) => void;
  /** As openUdp's. */
  readonly receiveBuffer?: number;
}

/**
 * Hears the IPv4 datagrams to the port, broadcasts too, that arrive on one interface, and no others.
 *
 * node:dgram has no SO_BINDTODEVICE, and a socket bound to 0.0.0.0 or to 255.255.255.255 hears the broadcasts of all
 * interfaces. But connecting an IPv6 socket to a link-local address binds it to the interface of that address (RFC
 * 4007 §6), and an IPv6 socket bound to ::ffff:0.0.0.0 hears IPv4. From there no IPv6 address can be reached, so that
 * the connect fails, which leaves the socket open to all senders, but bound: Linux does that first. It needs no IPv6
 * address on the interface. Measured on two interfaces: with Linux 6.18, IPv6 on and off, and with Linux 6.1, IPv6 on.
 */
export async function hearOnInterface(options: InterfaceUdpOptions): Promise<AsyncDisposable> {
  const { interfaceName, port, receive, report } = options;
  const { receiveBuffer: recvBufferSize } = options;
  const socket = dgram.createSocket({
    type: "udp6",
    reuseAddr: true,
    ...(recvBufferSize === undefined ? {} : { recvBufferSize }),
  });
  try {
    const listening = once(socket, "listening");
    socket.bind({ address: "::ffff:0.0.0.0", port, exclusive: true });
    await listening;
    await bindToInterface(socket, interfaceName);
  } catch (error) {
    socket.close();
    throw listenError("UDP", { address: ANY_ADDRESS, port }, error);
  }
  socket.on("error", (error) => report("UDP socket", error));
  // Not before it is bound: until then it hears the other interfaces too.
  socket.on("message", (bytes, from) => {
    const address = parseIpv4(from.address.replace(/^::ffff:/, ""));
    if (address !== undefined && from.port !== 0) receive(bytes, { address, port: from.port });
  });
  return {
    async [Symbol.asyncDispose]() {
      const closed = once(socket, "close");
      socket.close();
      await closed;
    },
  };
}

function bindToInterface(socket: dgram.Socket, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Any address and port of the interface will do: nothing is sent.
    socket.connect(67, `fe80::1%${name}`, (error?: Error & { code?: string }) => {
      if (error?.code === "EAFNOSUPPORT" || error?.code === "ENETUNREACH") resolve();
      else reject(error ?? new Error(`the socket was not bound to ${name}`));
    });
  });
}

/**
 * The same for the interface that has an address. Where the kernel has no IPv6 at all, other interfaces are heard too.
 */
export async function hearNetworkOf(
  options: Omit<InterfaceUdpOptions, "interfaceName"> & { readonly address: Ipv4 },
): Promise<AsyncDisposable> {
  const { address, port, report, ...how } = options;
  const interfaceName = interfaceAddresses().find((entry) => entry.address === address)?.name;
  const any = { address: ANY_ADDRESS, port };
  const hearAll = () => openUdp({ ...how, local: any, report, reuseAddress: true });
  if (interfaceName === undefined) return hearAll();
  try {
    return await hearOnInterface({ ...how, interfaceName, port, report });
  } catch (error) {
    const socket = await hearAll();
    report(`UDP port ${port}: hears every interface, not ${interfaceName} alone`, error);
    return socket;
  }
}
