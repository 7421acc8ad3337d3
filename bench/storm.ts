import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import { loaderPath } from "../src/boot/loader-files.ts";
import { systemClock } from "../src/net/clock.ts";
import type { StormResult } from "../src/storm/result.ts";
import { stormTree } from "../src/storm/room/tree.ts";
import { readTrace } from "../src/storm/trace/file.ts";
import { shippedTraceFile } from "../src/storm/trace/shipped.ts";
import { makeStormNetwork, startSidus } from "../test/storm-room.ts";
import { missingOf } from "./packages.ts";
import { type Room, startPeers } from "./storm/peers.ts";
import { runStorm } from "./storm/run.ts";
import { renderStorms } from "./storm/table.ts";

/**
 * The same storms, a real boot's calls as fast as answers come, against sidus and against others' servers, in turn, round by
 * round; each in a network of its own, all bytes compared. TMPDIR is where leases and the nodes' disks are: a node of
 * bios-iscsi writes and flushes 17 MB. `node bench/storm.ts --help`, as root.
 */

const layers = { "bios-tmpfs": "tmpfs", "bios-iscsi": "iscsi" } as const;
type TraceName = keyof typeof layers;
const traces: readonly TraceName[] = ["bios-tmpfs", "bios-iscsi"];

const options = new Command()
  .option("--nodes <count>", "at once", "100")
  .option("--rounds <count>", "of each", "3")
  .option("--think <factor>", "of the recorded node's own times", "0")
  .addOption(
    new Option("--trace <name>", "what the nodes do (default: one after the other)").choices(
      traces,
    ),
  )
  .option("--json", "figures as JSON")
  .parse()
  .opts<{ nodes: string; rounds: string; think: string; trace?: TraceName; json?: true }>();

/** Starts servers in a network; answers flags of `sidus storm`. */
type Start = (
  ...started: [Awaited<ReturnType<typeof makeStormNetwork>>, Room, AsyncDisposableStack]
) => Promise<readonly string[]>;

interface Contender {
  readonly name: string;
  readonly packages: readonly string[];
  readonly start: Start;
}

await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rmSync(work, { recursive: true }));

const all = new Map<TraceName, Map<string, StormResult[]>>();
for (const trace of options.trace === undefined ? traces : [options.trace]) {
  const { found, missing } = await stormsOf(trace);
  all.set(trace, found);
  if (options.json === undefined) process.stdout.write(report(trace, found, missing));
}
if (options.json === true) {
  const plain = [...all].map(([trace, found]) => [trace, Object.fromEntries(found)]);
  process.stdout.write(`${JSON.stringify(Object.fromEntries(plain))}\n`);
} else process.stdout.write(machine());

/** By contender: a result a round. */
async function stormsOf(name: TraceName) {
  const trace = await readTrace(shippedTraceFile(name));
  const tree = stormTree({ trace, seed: 1, cache: work, loaderPath, clock: systemClock });
  const contenders = contendersFor(layers[name]);
  const missing = missingOf(contenders.flatMap(({ packages }) => packages));
  const able = contenders.filter(({ packages }) => !packages.some((one) => missing.includes(one)));
  const found = new Map<string, StormResult[]>(able.map((one) => [one.name, []]));
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const contender of able) {
      found.get(contender.name)?.push(await storm(name, tree, contender));
    }
  }
  return { found, missing };
}

function contendersFor(layer: Room["layer"]): readonly Contender[] {
  const others = ["dnsmasq-base", "nfs-ganesha", "nfs-ganesha-vfs", "rpcbind"];
  const disks = layer === "iscsi" ? ["tgt"] : [];
  const rest = ["nfs-ganesha", ...disks].join(", ");
  return [
    {
      name: "sidus",
      packages: [],
      start: async (network, room, ended) =>
        ended.use(await startSidus(network, room.tree, room.work, layer)).flags,
    },
    {
      name: `dnsmasq, ${rest}`,
      packages: [...others, ...disks],
      start: (network, room, ended) => startPeers(network, room, "dnsmasq", ended),
    },
    {
      name: `kea, dnsmasq, ${rest}`,
      packages: [...others, ...disks, "kea-dhcp4-server"],
      start: (network, room, ended) => startPeers(network, room, "kea", ended),
    },
  ];
}

/** Against servers that have just begun, in a network of their own. */
async function storm(name: TraceName, tree: string, { start }: Contender): Promise<StormResult> {
  await using ended = new AsyncDisposableStack();
  const own = mkdtempSync(join(work, "servers-"));
  ended.defer(() => rmSync(own, { recursive: true }));
  const network = await makeStormNetwork(ended);
  const room = { tree, work: own, layer: layers[name], nodes: Number(options.nodes) };
  const flags = await start(network, room, ended);
  const asked = ["--trace", name, "--nodes", options.nodes, "--think", options.think];
  return runStorm(network, own, [...asked, ...flags]);
}

function report(
  trace: TraceName,
  found: ReadonlyMap<string, readonly StormResult[]>,
  missing: readonly string[],
): string {
  const lacking = missing.length === 0 ? "" : `not compared: ${missing.join(", ")} missing\n`;
  return `${renderStorms(`${trace}, ${options.nodes} nodes`, found)}${lacking}\n`;
}

function machine(): string {
  const cores = `${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}`;
  return `kernel and initrd: sidus by HTTP, dnsmasq by TFTP\n${options.rounds} rounds, ${cores}\n`;
}
