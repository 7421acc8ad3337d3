import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { type Namespace, openNamespace } from "../test/namespace.ts";
import { type DhcpLoadResult, perfdhcp } from "./dhcp/load.ts";
import { type DhcpBenchServer, SERVER, startKea, startSidus } from "./dhcp/servers.ts";
import { missingOf } from "./packages.ts";
import { median, renderTable } from "./table.ts";

/**
 * sidus and kea-dhcp4 (memfile), leases on the same disk: perfdhcp offers one rate after the other to both in turn, each time
 * to a server just started, round by round; the median of each. `node bench/dhcp.ts --help`; all in private networks. TMPDIR
 * is where the leases are.
 */

interface Options {
  readonly rounds: string;
  readonly seconds: string;
  readonly rates: string;
  readonly json?: true;
}

const options = new Command()
  .option("--rounds <count>", "of each rate", "3")
  .option("--seconds <count>", "of each load", "3")
  .option("--rates <list>", "exchanges begun a second", "1000,2000,3000,4500,6000,9000,12000")
  .option("--json", "figures as JSON")
  .parse()
  .opts<Options>();

/** perfdhcp calls it a drop when an answer takes a second. */
const DROPPED_MAX = 0.001;
const PEER = "kea-dhcp4-server";

const missing = missingOf([PEER]);
for (const name of missing) process.stderr.write(`without ${name}: the package is missing\n`);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const seconds = Number(options.seconds);
const starts = missing.includes(PEER) ? [startSidus] : [startSidus, startKea];
let seed = 0;

const rows: { readonly rate: number; readonly found: Map<string, DhcpLoadResult> }[] = [];
for (const rate of options.rates.split(",").map(Number)) {
  const results = new Map<string, DhcpLoadResult[]>();
  for (let round = 0; round < Number(options.rounds); round += 1) {
    for (const start of starts) {
      const { name, result } = await once(start, rate);
      results.set(name, [...(results.get(name) ?? []), result]);
    }
  }
  const found = new Map([...results].map(([name, of]) => [name, mediansOf(of)]));
  rows.push({ rate, found });
}
const names = [...(rows[0]?.found.keys() ?? [])];
process.stdout.write(options.json ? `${JSON.stringify(rows.map(plain))}\n` : table());

/** A network and a server that nobody has asked yet, except to warm it up. */
async function once(
  start: typeof startSidus,
  rate: number,
): Promise<{ name: string; result: DhcpLoadResult }> {
  await using round = new AsyncDisposableStack();
  const directory = mkdtempSync(join(tmpdir(), "sidus-bench-"));
  round.defer(() => rm(directory, { recursive: true }));
  const room = round.use(await openNamespace());
  const clients = round.use(await openNamespace());
  connect(room, clients);
  const server: DhcpBenchServer = await start(
    { namespace: room, interfaceName: "room0", directory },
    round,
  );
  const load = (of: number) =>
    perfdhcp(clients, "load0", server.pid, { rate: of, seconds, seed: ++seed });
  load(Math.min(rate, 1000));
  return { name: server.name, result: load(rate) };
}

/** One cable; the load is a relay at the end of the network. */
function connect(room: Namespace, clients: Namespace): void {
  const pid = clients.enter[2] ?? "";
  room.run("ip", "link", "add", "room0", "type", "veth", "peer", "name", "load0");
  room.run("ip", "link", "set", "load0", "netns", pid);
  room.run("ip", "addr", "add", `${SERVER}/16`, "brd", "+", "dev", "room0");
  room.run("ip", "link", "set", "room0", "up");
  clients.run("ip", "addr", "add", "10.90.255.2/16", "brd", "+", "dev", "load0");
  clients.run("ip", "link", "set", "load0", "up");
}

function mediansOf(results: readonly DhcpLoadResult[]): DhcpLoadResult {
  const of = (value: (result: DhcpLoadResult) => number): number => median(results.map(value));
  return {
    rate: of(({ rate }) => rate),
    dropped: of(({ dropped }) => dropped),
    cpuUs: of(({ cpuUs }) => cpuUs),
    delayMs: of(({ delayMs }) => delayMs),
  };
}

function plain({ rate, found }: (typeof rows)[number]) {
  return { rate, ...Object.fromEntries(found) };
}

function table(): string {
  const each = (title: string) => names.map((name) => `${title} ${name}`);
  const cells = (found: Map<string, DhcpLoadResult>, cell: (result: DhcpLoadResult) => string) =>
    names.map((name) => {
      const result = found.get(name);
      return result === undefined ? "" : cell(result);
    });
  const head = ["offered/s", ...each("done/s"), ...each("dropped"), ...each("CPU µs")];
  const body = rows.map(({ rate, found }) => [
    String(rate),
    ...cells(found, (result) => result.rate.toFixed(0)),
    ...cells(found, (result) => `${(result.dropped * 100).toFixed(2)}%`),
    ...cells(found, (result) => result.cpuUs.toFixed(0)),
  ]);
  const best = names.map((name) => `${name} ${bestOf(name, 1)}/s (${bestOf(name, DROPPED_MAX)}/s`);
  return [
    renderTable([head, ...body]),
    `four-way exchanges: ${best.map((text) => `${text} without drops)`).join(", ")}\n`,
    `${options.rounds} rounds, ${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}\n`,
  ].join("");
}

/** The most that it did, dropping no larger a share. */
function bestOf(name: string, dropped: number): number {
  const fit = rows
    .flatMap(({ found }) => found.get(name) ?? [])
    .filter((result) => result.dropped <= dropped);
  return Math.round(Math.max(0, ...fit.map(({ rate }) => rate)));
}
