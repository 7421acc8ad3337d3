import dgram from "node:dgram";
import net from "node:net";
import process from "node:process";
import { setImmediate, setTimeout } from "node:timers/promises";

/**
 * One client that floods every port of a server with what is no request, from one address, until it is ended, a minute at
 * most: `node flood.ts SERVER ADDRESS`.
 */

const [server = "", address = ""] = process.argv.slice(2);
const FLOOD_MS = 60_000;
const BURST = 64;
const CONNECTIONS = 32;
const junk = Buffer.alloc(1400, 0xa5);
const ended = performance.now() + FLOOD_MS;

for (let line = 0; line < CONNECTIONS; line += 1)
  void connections([80, 111, 2049, 3260][line % 4] ?? 80);
const socket = dgram.createSocket("udp4");
socket.bind(0, address);
while (performance.now() < ended) {
  for (let sent = 0; sent < BURST; sent += 1) {
    socket.send(junk, sent % 2 === 0 ? 67 : 69, server, () => {});
  }
  await setImmediate();
}
process.exit();

/** One after the other, each with a little that means nothing. */
async function connections(port: number): Promise<void> {
  while (performance.now() < ended) {
    const connection = net.connect({ host: server, port, localAddress: address });
    connection.on("error", () => {});
    connection.end(junk);
    connection.resume();
    await Promise.race([
      new Promise((resolve) => connection.once("close", resolve)),
      setTimeout(1000),
    ]);
    connection.destroy();
  }
}
