import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { loaderPath } from "../src/boot/loader-files.ts";
import { systemClock } from "../src/net/clock.ts";
import { type StormResult, stormResult } from "../src/storm/result.ts";
import { stormTree } from "../src/storm/room/tree.ts";
import { readTrace } from "../src/storm/trace/file.ts";
import { shippedTraceFile } from "../src/storm/trace/shipped.ts";
import { makeStormNetwork, startSidus } from "../test/storm-room.ts";
import { missingOf } from "./packages.ts";
import { startPeers } from "./storm/peers.ts";
import { median, renderTable } from "./table.ts";

/**
 * The same storm, a real boot's calls as fast as answers come, against sidus and against dnsmasq and nfs-ganesha, in turn,
 * round by round; each in a network of its own, all bytes compared. `node bench/storm.ts --help`, as root.
 */

const options = new Command()
  .option("--nodes <count>", "at once", "100")
  .option("--rounds <count>", "of each", "3")
  .option("--think <factor>", "of the recorded node's own times", "0")
  .option("--json", "figures as JSON")
  .parse()
  .opts<{ nodes: string; rounds: string; think: string; json?: true }>();

/** How many times sooner all nodes are to be up. */
const WANTED = 3;
const TRACE = "bios-tmpfs";
const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));

const missing = missingOf(["dnsmasq-base", "nfs-ganesha", "nfs-ganesha-vfs", "rpcbind"]);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rmSync(work, { recursive: true }));

const trace = await readTrace(shippedTraceFile(TRACE));
const tree = stormTree({ trace, seed: 1, cache: work, loaderPath, clock: systemClock });
const results = { sidus: [] as StormResult[], peers: [] as StormResult[] };
for (let round = 0; round < Number(options.rounds); round += 1) {
  results.sidus.push(await storm(startOurs, `sidus${round}`));
  if (missing.length === 0) results.peers.push(await storm(startPeers, `peers${round}`));
}
process.stdout.write(options.json ? `${JSON.stringify(results)}\n` : report());

async function startOurs(...[network, from, at, ended]: Parameters<typeof startPeers>) {
  return ended.use(await startSidus(network, from, at)).flags;
}

/** Against servers that have just begun, in a network of their own. */
async function storm(start: typeof startPeers, name: string): Promise<StormResult> {
  await using ended = new AsyncDisposableStack();
  const network = await makeStormNetwork(ended);
  const flags = await start(network, tree, join(work, name), ended);
  const file = join(work, "result.json");
  const [command = "", ...enter] = network.nodes.enter;
  const asked = ["--nodes", options.nodes, "--think", options.think, "--json", file];
  const child = [process.execPath, main, "storm", "--trace", TRACE, ...asked, ...flags];
  // What did not come up is in the result: it is what is measured, too.
  spawnSync(command, [...enter, ...child], { stdio: ["ignore", "ignore", "inherit"] });
  return stormResult.parse(JSON.parse(readFileSync(file, "utf8")));
}

function report(): string {
  const of = (from: readonly StormResult[], figure: (result: StormResult) => number): number =>
    median(from.map(figure));
  const columns = missing.length === 0 ? [results.sidus, results.peers] : [results.sidus];
  const row = (title: string, figure: (result: StormResult) => number, digits: number) => {
    const [ours = Number.NaN, theirs] = columns.map((column) => of(column, figure));
    const cells = [ours, theirs].filter((cell) => cell !== undefined);
    const times = (theirs ?? Number.NaN) / ours;
    const ratio = Number.isFinite(times) ? `${times.toFixed(2)} x` : "";
    return [title, ...cells.map((cell) => cell.toFixed(digits)), ratio];
  };
  const rows = [
    ["", "sidus", ...(missing.length === 0 ? ["dnsmasq, nfs-ganesha", "peers:sidus"] : [])],
    row(`${options.nodes} nodes up, s`, ({ seconds }) => seconds, 2),
    row("server CPU a node, ms", (result) => perNode(result, result.server?.cpuSeconds), 1),
    row("load CPU a node, ms", (result) => perNode(result, result.load.cpuSeconds), 1),
    row("received a node, MB", ({ nodes }) => received(nodes) / nodes.length / 1e6, 1),
    row("nodes not up", ({ failed }) => failed, 0),
    row("differences", ({ verified }) => verified.differences, 0),
  ];
  const machine = `${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}`;
  const lacking = missing.length === 0 ? "" : `not compared: ${missing.join(", ")} missing\n`;
  return `${renderTable(rows)}wanted: ${WANTED} x as soon\n${options.rounds} rounds, ${machine}\n${lacking}`;
}

function perNode({ up }: StormResult, seconds = Number.NaN): number {
  return (seconds * 1000) / up;
}

function received(nodes: StormResult["nodes"]): number {
  const all = nodes.flatMap((node) => Object.values(node.received));
  return all.reduce((sum, bytes) => sum + bytes, 0);
}
