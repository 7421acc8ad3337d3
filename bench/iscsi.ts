import { closeSync, fsyncSync, mkdtempSync, openSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { addServerInterface, openNamespace } from "../test/namespace.ts";
import { compileLoad, type IscsiServer } from "./iscsi/load.ts";
import { iscsiPerf } from "./iscsi/perf.ts";
import { ADDRESS, startSidus, startTgt } from "./iscsi/servers.ts";
import { worksOf } from "./iscsi/works.ts";
import { missingOf } from "./packages.ts";
import { residentMb } from "./processes.ts";
import { inRounds } from "./rounds.ts";
import { median, renderRows } from "./table.ts";

/**
 * sidus and tgt, each on a filled volume of its own: the same load on one after the other, round by round, and the median
 * of each. `node bench/iscsi.ts --help`; all in a private network. TMPDIR is where the volumes are.
 */

interface Options {
  readonly rounds: string;
  readonly seconds: string;
  readonly size: string;
  readonly only?: string;
  readonly json?: true;
}

const PEER = "tgt";
const MIB = 1 << 20;

const options = new Command()
  .option("--rounds <count>", "of each work", "3")
  .option("--seconds <count>", "of each load", "2")
  .option("--size <MiB>", "of each volume", "1024")
  .option("--only <work>", "only works whose title has this in it")
  .option("--json", "figures as JSON")
  .parse()
  .opts<Options>();

const missing = missingOf([PEER, "libiscsi-bin"]);
for (const name of missing) process.stderr.write(`without ${name}: the package is missing\n`);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rm(work, { recursive: true }));
const namespace = cleanup.use(await openNamespace());
addServerInterface(namespace, "room0", `${ADDRESS}/24`);
const load = compileLoad(work, namespace);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const isAsked = (title: string): boolean =>
  title.toLowerCase().includes(options.only?.toLowerCase() ?? "");

const servers = await startServers();
const rows = await inRounds({
  servers,
  works: worksOf(seconds).filter(({ title }) => isAsked(title)),
  rounds,
  load(server, item) {
    // What the round before wrote is not written back during this one.
    flush(server.file);
    return load.run(server, item.load);
  },
});
const foreign = isAsked("iscsi-perf") && !missing.includes("libiscsi-bin") ? await perf() : [];
const resident = servers.map(({ name, pid }) => ({ name, mb: Math.round(residentMb(pid)) }));
process.stdout.write(options.json ? `${JSON.stringify({ rows, foreign, resident })}\n` : table());

function table(): string {
  const [ours, theirs] = foreign;
  const better = ours && theirs ? `, ${(ours.perSecond / theirs.perSecond).toFixed(2)} x` : "";
  const perSecond = foreign.map(({ name, perSecond }) => `${name} ${Math.round(perSecond)}/s`);
  return [
    rows.length === 0 ? "" : renderRows(rows, PEER),
    ours === undefined
      ? ""
      : `iscsi-perf, random read 4 KiB 1 x 32: ${perSecond.join(", ")}${better}\n`,
    `resident after it: ${resident.map(({ name, mb }) => `${name} ${mb} MiB`).join(", ")}\n`,
    `${rounds} rounds, ${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}\n`,
  ].join("");
}

/** Both run at once; the one that is not loaded is idle. */
async function startServers(): Promise<IscsiServer[]> {
  const own = (name: string) => {
    const file = join(work, `${name}.img`);
    const bytes = Number(options.size) * MIB;
    load.fill(file, bytes);
    return { namespace, file, bytes };
  };
  const ours = await startSidus(own("sidus"), cleanup);
  return missing.includes(PEER) ? [ours] : [ours, await startTgt(own(PEER), cleanup)];
}

async function perf(): Promise<{ name: string; perSecond: number }[]> {
  const found = servers.map((server) => ({ server, perSecond: [] as number[] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const { server, perSecond } of found) {
      perSecond.push(await iscsiPerf(namespace, server, seconds));
    }
  }
  return found.map(({ server, perSecond }) => ({
    name: server.name,
    perSecond: median(perSecond),
  }));
}

function flush(file: string): void {
  const fd = openSync(file, "r+");
  fsyncSync(fd);
  closeSync(fd);
}
