import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** Passes connections on to a server, and cuts them: both ends live, and hear of it at different times. */
export interface Cutter extends AsyncDisposable {
  readonly port: number;
  /** So often it will still cut. */
  readonly left: number;
}

export interface CutterOptions {
  readonly serverPort: number;
  /** It cuts whenever so many more came from those who connect; what is on its way to the server still reaches it. */
  readonly everyBytes: number;
  readonly times: number;
}

export async function startCutter(options: CutterOptions): Promise<Cutter> {
  const { serverPort, everyBytes } = options;
  let left = options.times;
  let bytes = 0;
  const open = new Set<Socket>();
  const cut = (): void => {
    for (const socket of open) socket.destroy();
  };
  const pass = (from: Socket, to: Socket): void => {
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => open.delete(from));
    open.add(from);
  };
  const listener = createServer({ noDelay: true }, (client) => {
    const server = connect({ port: serverPort, host: "127.0.0.1", noDelay: true });
    pass(client, server);
    pass(server, client);
    client.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes < everyBytes || left === 0) return;
      bytes = 0;
      left -= 1;
      cut();
    });
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  return {
    port: (listener.address() as AddressInfo).port,
    get left() {
      return left;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(listener, "close");
      listener.close();
      cut();
      await closed;
    },
  };
}
