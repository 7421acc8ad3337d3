import dgram from "node:dgram";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { bootCaptures, udpFrames } from "../../captures.ts";
import { SeededRandom } from "../../sim/random.ts";

/** Run by room.ts in the clients' namespace: a thousand random or mutated datagrams, half of them by broadcast. */

const random = new SeededRandom(67);
const seeds = bootCaptures
  .slice(0, 4)
  .flatMap(udpFrames)
  .filter(({ to }) => to.port === 67 || to.port === 68)
  .map(({ bytes }) => bytes);

function hostile(): Uint8Array {
  const seed = seeds[random.below(seeds.length)];
  if (seed === undefined || random.chance(0.2)) return random.bytes(random.below(700));
  const bytes = seed.slice(0, random.chance(0.3) ? random.below(seed.length) : seed.length);
  const changes = bytes.length === 0 ? 0 : random.below(12);
  for (let change = 0; change < changes; change += 1) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return bytes;
}

const socket = dgram.createSocket({ type: "udp4", reuseAddr: true });
socket.bind({ address: "10.67.0.250", port: 68 });
await once(socket, "listening");
socket.setBroadcast(true);
for (let sent = 0; sent < 1000; sent += 1) {
  socket.send(hostile(), 67, sent % 2 === 0 ? "255.255.255.255" : "10.67.0.1");
  // So that none is lost in a full receive buffer.
  if (sent % 20 === 0) await sleep(5);
}
await sleep(50);
socket.close();
