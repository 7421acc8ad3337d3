import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { loaderPath } from "../../src/boot/loader-files.ts";
import { systemClock } from "../../src/net/clock.ts";
import { identityOf } from "../../src/storm/identity.ts";
import type { StormDeps, StormOptions } from "../../src/storm/options.ts";
import { makeRoomNetwork } from "../../src/storm/room/network.ts";
import { startOwnServer } from "../../src/storm/room/servers.ts";
import { stormTree } from "../../src/storm/room/tree.ts";
import { runStorm } from "../../src/storm/storm.ts";
import { briefTrace } from "./brief-trace.ts";

/** Storms against our own server, in the namespace that this is started in: `WORK`; what became of them is put there. */

const NODES = 3;
const [, , work = ""] = process.argv;
const captureFile = join(work, "one.pcap");
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const clock = systemClock;

await using network = await makeRoomNetwork({ link: undefined });
const trace = await briefTrace();
const directory = stormTree({ trace, seed: 1, cache: work, loaderPath, clock });
await using server = await startOwnServer({
  network,
  program: [process.execPath, main],
  work,
  source: { tree: directory },
  layer: "tmpfs",
  nodes: Array.from({ length: NODES }, (_, index) => identityOf(index, 1)),
  volumeSize: undefined,
  clock,
});
const options: StormOptions = {
  trace,
  title: "a test",
  nodes: 1,
  arrival: { kind: "at-once" },
  think: 0,
  seed: 1,
  workers: 2,
  servers: server.servers,
  tree: undefined,
  directory,
  addresses: network.nodes,
  relay: network.relay,
  patienceMs: 60_000,
  skip: [],
  link: undefined,
};
const deps: StormDeps = {
  clock,
  progress: () => {},
  signal: new AbortController().signal,
  incidents: [],
  serverPids: server.pids,
  report: (what, error) => process.stderr.write(`${what}: ${error}\n`),
  version: "0.0.0",
};

async function capturing(): Promise<ChildProcess> {
  const flags = ["-q", "-P", "-B", "64", "-i", "lo", "-w", captureFile];
  const dumpcap = spawn("dumpcap", flags, { stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  for await (const bytes of dumpcap.stderr) {
    said += String(bytes);
    if (said.includes("File:")) break;
  }
  return dumpcap;
}

/** It is behind what it captures. */
async function captured(dumpcap: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200 && !/POST \/up .*HTTP\/1\.1 2/s.test(seen()); tries += 1) {
    await sleep(50);
  }
  const exit = once(dumpcap, "exit");
  dumpcap.kill("SIGINT");
  await exit;
}

function seen(): string {
  return readFileSync(captureFile).subarray(-65_536).toString("latin1");
}

const dumpcap = await capturing();
const alone = await runStorm(options, deps);
await captured(dumpcap);

const killed = await runStorm(
  // Of the recorded boot's minutes some seconds: it lasts longer than until the server is killed, on any machine.
  { ...options, nodes: NODES, arrival: { kind: "ramp", seconds: 0.5 }, think: 0.02 },
  {
    ...deps,
    incidents: [
      { at: 1, what: "killed", run: () => server.kill() },
      { at: 1.2, what: "started again", run: () => server.start() },
    ],
  },
);
const stopped = await runStorm(
  { ...options, arrival: { kind: "ramp", seconds: 1 } },
  { ...deps, signal: AbortSignal.abort() },
);
writeFileSync(join(work, "told.json"), JSON.stringify({ alone, killed, stopped }));
