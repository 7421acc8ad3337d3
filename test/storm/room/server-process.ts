import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { loaderPath } from "../../../src/boot/loader-files.ts";
import { formatIpv4 } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { makeRoomNetwork } from "../../../src/storm/room/network.ts";
import { startOwnServer } from "../../../src/storm/room/servers.ts";
import { stormTree } from "../../../src/storm/room/tree.ts";
import { ProcessUsage } from "../../../src/storm/room/usage.ts";
import { smallTrace } from "./small-trace.ts";

/** A storm's own server, in the namespace that this is started in: `WORK [JSON]`; tells as JSON what became of it. */

const [, , work = "", given = "{}"] = process.argv;
const { layer = "tmpfs", link, die = false, program } = JSON.parse(given);
const main = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

await using network = await makeRoomNetwork({ link });
const server = await startOwnServer({
  network,
  program: program ?? [process.execPath, main],
  work,
  source: {
    tree: stormTree({ trace: smallTrace, seed: 1, cache: work, loaderPath, clock: systemClock }),
  },
  layer,
  nodes: [],
  volumeSize: "64M",
  clock: systemClock,
});
const usage = new ProcessUsage(server.pids);
const http = `http://${formatIpv4(network.server)}/`;

/** As a node fetches it, from an address of its own. */
async function fetched(path: string): Promise<string> {
  const curl = spawn("curl", ["--silent", "--interface", "10.13.130.1", `${http}${path}`]);
  const parts: Buffer[] = [];
  curl.stdout.on("data", (bytes: Buffer) => void parts.push(bytes));
  const [code] = await once(curl, "close");
  return code === 0 ? Buffer.concat(parts).toString("latin1") : `curl: ${code}`;
}

if (die) {
  process.stdout.write(String(server.pids()[0]));
  process.kill(process.pid, "SIGKILL");
}
const before = server.pids();
const kernel = (await fetched("storm/boot/vmlinuz-6.1.0-56-amd64")).length;
const script = await fetched("ipxe/01-52-54-00-13-20-01.ipxe");
const secondsBefore = usage.seconds();
const rss = usage.rss;
await server.kill();
const killed = { pids: server.pids(), answer: await fetched("status.json") };
await server.start();
const again = { pids: server.pids(), answer: await fetched("status.json") };
const secondsAfter = usage.seconds();
const told = { before, kernel, script, secondsBefore, secondsAfter, rss, killed, again };
process.stdout.write(JSON.stringify(told));
await server[Symbol.asyncDispose]();
