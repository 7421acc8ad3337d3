import dgram from "node:dgram";
import net from "node:net";
import { bootCaptures, tcpStreams, udpFrames } from "../captures.ts";
import { SeededRandom } from "../sim/random.ts";

/** Run inside a private network: `fuzzer.ts HOST SEED COUNT`. Sends COUNT bad datagrams or streams to each port of ours. */

const [host = "", seedText = "1", countText = "1000"] = process.argv.slice(2);
const random = new SeededRandom(Number(seedText));
const count = Number(countText);

/** What real clients sent to the port, as seeds of what gets past the first checks. */
function realDatagrams(port: number): Uint8Array[] {
  return bootCaptures.flatMap((name) =>
    udpFrames(name)
      .filter((frame) => frame.to.port === port)
      .map((frame) => frame.bytes),
  );
}

function realStreams(port: number): Uint8Array[] {
  return bootCaptures.flatMap((name) =>
    tcpStreams(name, port)
      .filter((stream) => stream.to.port === port && stream.bytes.length > 0)
      .map((stream) => stream.bytes.subarray(0, 4096)),
  );
}

function bad(seeds: readonly Uint8Array[]): Uint8Array {
  const seed = seeds[random.below(seeds.length)];
  if (seed === undefined || random.chance(0.3)) return random.bytes(random.below(1400));
  const bytes = Uint8Array.from(seed);
  for (let flips = 1 + random.below(8); flips > 0 && bytes.length > 0; flips -= 1) {
    bytes[random.below(bytes.length)] = random.below(256);
  }
  return random.chance(0.5) ? bytes.subarray(0, random.below(bytes.length + 1)) : bytes;
}

async function flood(port: number): Promise<void> {
  const seeds = realDatagrams(port);
  const socket = dgram.createSocket("udp4");
  for (let sent = 0; sent < count; sent += 1) {
    await new Promise((resolve) => socket.send(bad(seeds), port, host, resolve));
  }
  socket.close();
}

function stream(port: number, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    socket.on("error", () => {});
    socket.on("close", () => resolve());
    socket.on("data", () => {});
    socket.setTimeout(200, () => socket.destroy());
    socket.write(bytes, () => {
      const how = random.below(3);
      if (how === 0) socket.end();
      if (how === 1) socket.resetAndDestroy();
    });
  });
}

async function streams(port: number, seedPort: number): Promise<void> {
  const seeds = realStreams(seedPort);
  for (let sent = 0; sent < count; sent += 50) {
    await Promise.all(Array.from({ length: 50 }, () => stream(port, bad(seeds))));
  }
}

await flood(67);
await flood(69);
await flood(111);
await streams(80, 80);
await streams(111, 111);
await streams(2049, 2049);
await streams(2049, 20_048);
