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
import { median } from "./table.ts";
import { ADDRESS } from "./tftp/load.ts";
import { idle, inTurns, type Side } from "./watch/in-turns.ts";
import { compared, estimate, renderCompared, renderEstimate, type Slices } from "./watch/pairs.ts";
import { VOLUME, VOLUME_BYTES } from "./watch/served.ts";
import { compilePrograms, loadsOf, type Served } from "./watch/works.ts";

/**
 * What watching costs: the same loads on two servers, one without any of it, one with events, history and metrics while
 * four readers follow /events, a Prometheus asks every second and a hundred nodes boot. Wanted: at least 0.97 of the
 * throughput. `node bench/watch.ts --help`; in a private network.
 *
 * Machines are never as quiet as 3 % asks for, so the two take turns of a quarter of a second; who has no turn is stopped.
 * A round is four turns each, a second, in an order in which a drift of the machine hits both alike. Two processes of the
 * same program differ by up to a fifth for as long as they live, as their code was compiled and their memory lies; so
 * there are several pairs of servers. A pair's figure is the median of its rounds' ratios, and the table says the median of
 * all pairs with the sign test's interval of 95 %. The servers have one processor, and before all others: what they use of
 * it is what they lack in throughput.
 */

const options = new Command()
  .option("--pairs <count>", "of servers, one after the other", "8")
  .option("--rounds <count>", "of each work with each pair, 2.5 s each", "4")
  .option("--only <work>", "only works whose title has this in it")
  .option("--json", "figures as JSON")
  .parse()
  .opts<{ pairs: string; rounds: string; only?: string; json?: true }>();

const READERS = 4;
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
const loads = loadsOf(tree, work, programs).filter(({ work: { title } }) =>
  title.toLowerCase().includes(options.only?.toLowerCase() ?? ""),
);
const rounds = Number(options.rounds);
const measured = loads.map(({ work: item }) => ({ item, pairs: [] as (readonly Slices[])[] }));
const unasked = { off: [] as number[], on: [] as number[] };
for (let pair = 0; pair < Number(options.pairs); pair += 1) {
  await using running = new AsyncDisposableStack();
  const servers = {
    off: await start("off", 20_000, running),
    on: await start("on", 20_010, running),
  };
  follow(servers.on, running);
  for (const [index, { command }] of loads.entries()) {
    const sides = { off: sideOf(servers.off, command), on: sideOf(servers.on, command) };
    measured[index]?.pairs.push(await inTurns(namespace, sides, rounds));
  }
  // Last: by then its code is compiled.
  const used = await idle({ off: servers.off.pid, on: servers.on.pid }, rounds);
  for (const side of ["off", "on"] as const) unasked[side].push(median(used[side]));
}
const rows = measured.map(({ item, pairs }) => compared(item, pairs));
const idled = { off: estimate(unasked.off), on: estimate(unasked.on) };
process.stdout.write(
  options.json
    ? `${JSON.stringify({ rows, unasked: idled })}\n`
    : `${renderCompared(rows)}\nUnasked, in ms of a processor each second: ${renderEstimate(idled.off, 1)} without, ${renderEstimate(idled.on, 1)} watched\n`,
);

function sideOf(server: Served, command: (server: Served) => readonly string[]): Side {
  return { pid: server.pid, command: pinnedTo(loadPin, command(server)) };
}

/** And before all others that want it: what else runs here is to be waited for by nobody. */
function pinnedTo(processors: string, command: readonly string[]): string[] {
  return ["nice", "--adjustment=-20", "taskset", "--cpu-list", processors, ...command];
}

async function start(
  mode: "on" | "off",
  port: number,
  running: AsyncDisposableStack,
): Promise<Served> {
  const program = fileURLToPath(new URL("watch/server.ts", import.meta.url));
  const state = mkdtempSync(join(work, `${mode}-`));
  mkdirSync(join(state, "volumes"), { recursive: true });
  fill(programs.iscsi, join(state, "volumes", `${VOLUME}.img`), VOLUME_BYTES);
  const given = [program, ADDRESS, String(port), tree, state, mode];
  const child = run(serverPin, [process.execPath, ...given], running);
  for (const offset of [0, 1, 2]) await listening(namespace, port + offset, child);
  return { port, pid: pidOf(child) };
}

/** As browsers, terminals and a Prometheus do: half of the time the server is stopped, so a second of its is two. */
function follow({ port }: Served, running: AsyncDisposableStack): void {
  const origin = `http://${ADDRESS}:${port + 1}`;
  for (let reader = 0; reader < READERS; reader += 1) {
    run(loadPin, ["curl", "--silent", "--no-buffer", `${origin}/events`], running);
  }
  const asking = ["curl", "--silent", "--rate", "30/m", `${origin}/metrics?[1-1000000]`];
  run(loadPin, asking, running);
}

function run(processors: string, command: readonly string[], running: AsyncDisposableStack) {
  const [program = "", ...args] = pinnedTo(processors, command);
  return runUntilEnd(namespace, program, args, running);
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
