import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { loaderPath } from "../../src/boot/loader-files.ts";
import { statusShape } from "../../src/cli/status-answer.ts";
import { systemClock } from "../../src/net/clock.ts";
import type { StormResult } from "../../src/storm/result.ts";
import { stormTree } from "../../src/storm/room/tree.ts";
import { readTrace } from "../../src/storm/trace/file.ts";
import { shippedTraceFile } from "../../src/storm/trace/shipped.ts";
import { makeStormNetwork, SERVER, startSidus } from "../../test/storm-room.ts";
import { runStorm } from "../storm/run.ts";
import { received } from "../storm/table.ts";
import type { Work } from "../table.ts";
import type { Slice, Slices } from "./pairs.ts";
import { follow } from "./readers.ts";
import { signals } from "./served.ts";

/** A hundred nodes at once, which fetch, mount and read as a real one did, as fast as answers come. */

const TRACE = "bios-tmpfs";
const NODES = "100";
/** A drift hits both alike. */
const ORDER = ["off", "on", "on", "off"] as const;
const origin = `http://${SERVER}`;
const program = fileURLToPath(new URL("switched.ts", import.meta.url));

export const stormWork: Work = { title: `storm of ${NODES} nodes`, unit: "MB/s" };

/** So many rounds of storms on one server: what watches it is on in half of them. */
export async function stormsInTurns(work: string, rounds: number): Promise<Slices[]> {
  await using running = new AsyncDisposableStack();
  mkdirSync(work);
  const trace = await readTrace(shippedTraceFile(TRACE));
  const tree = stormTree({ trace, seed: 1, cache: work, loaderPath, clock: systemClock });
  const network = await makeStormNetwork(running);
  const own = await startSidus(network, tree, join(work, "server"), "tmpfs", program);
  running.use(own);
  const turn = async (side: "off" | "on"): Promise<Slice> => {
    await using watching = new AsyncDisposableStack();
    for (const pid of own.pids()) process.kill(pid, signals[side]);
    if (side === "on") follow(network.servers, origin, [], watching);
    const asked = ["--trace", TRACE, "--nodes", NODES, "--think", "0"];
    return sliceOf(runStorm(network, work, [...asked, ...own.flags]));
  };
  // Code is compiled, and files are in caches, before anything counts.
  for (const side of ["off", "on"] as const) {
    await turn(side);
    const { nodes } = statusShape.parse(
      JSON.parse(network.servers.run("curl", "--silent", `${origin}/status.json`)),
    );
    const followed = nodes.filter(({ stage }) => stage === "up").length;
    if (followed !== (side === "on" ? Number(NODES) : 0)) {
      throw new Error(`watching is to be ${side}, and followed ${followed} nodes`);
    }
  }
  const done: Slices[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const slices = { off: [] as Slice[], on: [] as Slice[] };
    for (const side of ORDER) slices[side].push(await turn(side));
    done.push(slices);
  }
  return done;
}

function sliceOf(result: StormResult): Slice {
  const { up, failed, seconds, server, load, verified } = result;
  return {
    calls: up,
    bytes: received(result),
    seconds,
    serverCpu: server?.cpuSeconds ?? Number.NaN,
    loadCpu: load.cpuSeconds,
    errors: failed + verified.differences,
  };
}
