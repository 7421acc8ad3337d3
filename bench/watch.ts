import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { addServerInterface, openNamespace } from "../test/namespace.ts";
import { fill } from "./iscsi/load.ts";
import { missingOf } from "./packages.ts";
import { listening, pidOf, runUntilEnd } from "./processes.ts";
import type { Work } from "./table.ts";
import { ADDRESS } from "./tftp/load.ts";
import { idle, inTurns } from "./watch/in-turns.ts";
import {
  compared,
  estimate,
  ratiosOf,
  renderCompared,
  renderEstimate,
  type Slices,
} from "./watch/pairs.ts";
import { follow } from "./watch/readers.ts";
import { VOLUME, VOLUME_BYTES } from "./watch/served.ts";
import { stormsInTurns, stormWork } from "./watch/storms.ts";
import { compilePrograms, loadsOf, type Served } from "./watch/works.ts";

/**
 * What watching costs: the same loads on a server that is watched now and then, by events, history and metrics while four
 * readers follow /events, a Prometheus asks every second and a hundred nodes boot; and storms of a hundred nodes that are
 * watched or not, of which the server itself is told. Wanted: at least 0.97 of the throughput without. `node bench/watch.ts
 * --help`, as root; in private networks.
 *
 * Machines are never as quiet as 3 % asks for, so it is turned on and off every quarter of a second. A round is four turns
 * each, in an order in which a drift of the machine hits both alike; the table says the median of the rounds' ratios, with
 * the sign test's interval of 95 %. On and off are of one server, since two processes of the same program differ by up to a
 * fifth for as long as they live, as their code was compiled and their memory lies; there are some servers, one after the
 * other. The server has one processor, and before all others: what is used of it is what lacks in throughput. A round of
 * storms is four whole ones, two of them watched; there server, load and readers share the processors.
 *
 * What stays while it is off: the threads of NFS and iSCSI count calls and bytes, and say them each second; events of files
 * are made, and thrown away; whoever asks for /metrics gets nothing. What comes less often than a round, as the history that
 * is written every five seconds, is in no median.
 */

const options = new Command()
  .option("--servers <count>", "one after the other", "4")
  .option(
    "--rounds <count>",
    "of each load with each server, 2.5 s each; of storms, 30 s each, a quarter of it",
    "8",
  )
  .option("--only <work>", "only works whose title has this in it")
  .option("--json", "figures as JSON")
  .parse()
  .opts<{ servers: string; rounds: string; only?: string; json?: true }>();

/** For one round of storms so many of another load: four storms of some seven seconds. */
const STORM_ROUNDS = 4;
const [serverPin, loadPin] = cpus().length > 1 ? ["0", `1-${cpus().length - 1}`] : ["0", "0"];

missingOf([]);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rmSync(work, { recursive: true }));
const tree = makeTree();
const programs = compilePrograms(work);
const namespace = cleanup.use(await openNamespace());
addServerInterface(namespace, "room0", `${ADDRESS}/24`);
const isWanted = ({ title }: Work): boolean =>
  title.toLowerCase().includes(options.only?.toLowerCase() ?? "");
const loads = loadsOf(tree, work, programs).filter(({ work: item }) => isWanted(item));
const [servers, rounds] = [Number(options.servers), Number(options.rounds)];
const measured = loads.map(({ work: item }) => ({ item, rounds: [] as Slices[] }));
const used = { off: [] as number[], on: [] as number[] };
for (let number = 0; number < servers && loads.length > 0; number += 1) {
  await using running = new AsyncDisposableStack();
  const server = await start(number, running);
  const origin = `http://${ADDRESS}:${server.port + 1}`;
  follow(namespace, origin, pinnedTo(loadPin), running);
  for (const [index, { command }] of loads.entries()) {
    const pinned = [...pinnedTo(loadPin), ...command(server)];
    measured[index]?.rounds.push(...(await inTurns(namespace, server.pid, pinned, rounds)));
  }
  // Last: by then its code is compiled.
  const idled = await idle(server.pid, rounds);
  for (const side of ["off", "on"] as const) used[side].push(...idled[side]);
}
const together = estimate(measured.flatMap(({ item, rounds: all }) => ratiosOf(item, all)));
if (isWanted(stormWork)) {
  const storms: Slices[] = [];
  for (let number = 0; number < servers; number += 1) {
    const own = join(work, `storms-${number}`);
    storms.push(...(await stormsInTurns(own, Math.ceil(rounds / STORM_ROUNDS))));
  }
  measured.push({ item: stormWork, rounds: storms });
}
const rows = measured.map(({ item, rounds: all }) => compared(item, all));
const unasked = { off: estimate(used.off), on: estimate(used.on) };
if (options.json === true) process.stdout.write(`${JSON.stringify({ rows, together, unasked })}\n`);
else {
  process.stdout.write(renderCompared(rows));
  const [off, on] = [unasked.off, unasked.on].map((one) => renderEstimate(one, 1));
  const text = `All rounds of all loads but storms, watched:without: ${renderEstimate(together)}
Unasked, in ms of a processor each second: ${off} without, ${on} watched`;
  if (loads.length > 0) process.stdout.write(`\n${text}\n`);
}

/** And before all others that want it: what else runs here is to be waited for by nobody. */
function pinnedTo(processors: string): string[] {
  return ["nice", "--adjustment=-20", "taskset", "--cpu-list", processors];
}

async function start(number: number, running: AsyncDisposableStack): Promise<Served> {
  const program = fileURLToPath(new URL("watch/server.ts", import.meta.url));
  const state = join(work, `server-${number}`);
  mkdirSync(join(state, "volumes"), { recursive: true });
  fill(programs.iscsi, join(state, "volumes", `${VOLUME}.img`), VOLUME_BYTES);
  const port = 20_000;
  const given = [program, ADDRESS, String(port), tree, state];
  const [command = "", ...args] = [...pinnedTo(serverPin), process.execPath, ...given];
  const child = runUntilEnd(namespace, command, args, running);
  for (const offset of [0, 1, 2]) await listening(namespace, port + offset, child);
  return { port, pid: pidOf(child) };
}

/** Of a few directories; READ and loaders ask for large files. */
function makeTree(): string {
  const root = join(work, "tree");
  for (let directory = 0; directory < 40; directory += 1) {
    const path = join(root, `directory-${directory}`);
    mkdirSync(path, { recursive: true });
    for (let at = 0; at < 25; at += 1) writeFileSync(join(path, `file-${at}`), path);
  }
  mkdirSync(join(root, "large"));
  for (let at = 0; at < 4; at += 1) {
    writeFileSync(join(root, "large", `file-${at}`), randomFillSync(new Uint8Array(8 << 20)));
  }
  writeFileSync(join(root, "small"), randomFillSync(new Uint8Array(64 << 10)));
  return root;
}
