import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import process from "node:process";
import { formatIpv4 } from "../../src/bytes/ipv4.ts";
import { type Link, makeRoomNetwork } from "../../src/storm/room/network.ts";

/**
 * Makes a storm's network in the namespace that it is started in, with the link in its first argument, and tells as one
 * line of JSON what that does: times of round trips, what many connections receive at once, and what the kernel counted.
 */

const PORT = 7;
const ASKED_AT_ONCE = 10;
const SENT_MS = 5000;
const ROUND_TRIPS = 41;

export interface Told {
  /** Milliseconds, least first. */
  readonly roundTrips: readonly number[];
  /** Of all connections together. */
  readonly payloadBitsPerSecond: number;
  /** By the kernel, at each queue, since it was there. */
  readonly queues: readonly Queue[];
}

interface Queue {
  readonly kind: string;
  readonly packets: number;
  readonly drops: number;
}

if (process.argv[2] === "serve") serve();
else console.log(JSON.stringify(await measured(JSON.parse(process.argv[2] ?? "{}"))));

/** Answers `1` with itself, and anything else with bytes until the connection ends. */
function serve(): void {
  const some = Buffer.alloc(65_536);
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (asked: Buffer) => {
      if (asked[0] === 1) {
        socket.write(asked);
        return;
      }
      const more = (): void => {
        while (socket.writable && socket.write(some));
      };
      socket.on("drain", more);
      more();
    });
  });
  server.listen(PORT, () => console.log("ready"));
}

async function measured(link: Link): Promise<Told> {
  await using network = await makeRoomNetwork({ link });
  const [program = "", ...args] = [
    ...[...network.enter, process.execPath],
    ...[...process.execArgv, process.argv[1] ?? "", "serve"],
  ];
  const server = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  await using ended = new AsyncDisposableStack();
  ended.defer(() => void server.kill("SIGKILL"));
  await once(server.stdout, "data");
  const host = formatIpv4(network.server);
  const roundTrips = await timesOf(host);
  const payloadBitsPerSecond = await receivedFrom(host);
  const queues = [...queuesIn([]), ...queuesIn(network.enter)];
  return { roundTrips, payloadBitsPerSecond, queues };
}

async function timesOf(host: string): Promise<number[]> {
  const socket = connect({ host, port: PORT, noDelay: true, localAddress: "10.13.128.1" });
  await once(socket, "connect");
  const times = [];
  for (let count = 0; count < ROUND_TRIPS; count += 1) {
    const begun = performance.now();
    socket.write(Buffer.of(1));
    await once(socket, "data");
    times.push(performance.now() - begun);
  }
  socket.destroy();
  return times.sort((one, other) => one - other);
}

/** Bits a second from the first byte of any on. */
async function receivedFrom(host: string): Promise<number> {
  let begun: number | undefined;
  let bytes = 0;
  const sockets = Array.from({ length: ASKED_AT_ONCE }, (_, index) => {
    const localAddress = `10.13.129.${index + 1}`;
    const socket = connect({ host, port: PORT, localAddress }, () => socket.write(Buffer.of(2)));
    socket.on("data", (received: Buffer) => {
      begun ??= performance.now();
      bytes += received.length;
    });
    return socket;
  });
  await new Promise((resolve) => setTimeout(resolve, SENT_MS));
  const seconds = (performance.now() - (begun ?? Number.NaN)) / 1000;
  for (const socket of sockets) socket.destroy();
  return (bytes * 8) / seconds;
}

function queuesIn(enter: readonly string[]): Queue[] {
  const [program = "", ...args] = [...enter, "tc", "-s", "-json", "qdisc", "show"];
  return JSON.parse(execFileSync(program, args, { encoding: "utf8" }));
}
