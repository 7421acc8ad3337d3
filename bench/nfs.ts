import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import { missingPackages, requirePackages } from "../src/cli/packages.ts";
import { compileLoad, type LoadResult } from "./nfs/load.ts";
import { type BenchRoom, openBenchRoom } from "./nfs/room.ts";
import { scaling } from "./nfs/scaling.ts";
import {
  type BenchServer,
  rawLoopback,
  residentMb,
  startGanesha,
  startSidus,
} from "./nfs/servers.ts";
import { measured, median, type Row, renderRows } from "./nfs/table.ts";
import { traceNames } from "./nfs/trace.ts";
import { type Work, worksOf, writeLists } from "./nfs/works.ts";

/**
 * sidus, from a directory and from a sealed image, and nfs-ganesha (VFS) on the same tree: the same load on one after
 * the other, round by round, and the median of each. `node bench/nfs.ts --help`; all in a private network, as root.
 */

interface Options {
  readonly tree?: string;
  readonly rounds: string;
  readonly seconds: string;
  readonly threads?: string;
  readonly cache: string;
  readonly only?: string;
  readonly trace: (typeof traceNames)[number][];
  readonly scaling?: true;
  readonly json?: true;
}

const PEER = "ganesha";
const peerPackages = ["nfs-ganesha", "nfs-ganesha-vfs", "rpcbind"];

const options = new Command()
  .option("--tree <directory>", "what is served (default: one of 17,000 entries is made)")
  .option("--rounds <count>", "of each work", "3")
  .option("--seconds <count>", "of each load", "2")
  .option("--threads <count>", "of sidus: threads: in its configuration")
  .option("--cache <size>", "of sidus: cache: in its configuration", "1G")
  .option("--only <work>", "only works whose title has this in it")
  .addOption(
    new Option("--trace <name...>", "boots to replay")
      .choices(traceNames)
      .default(["a-bios-tmpfs", "k-fast"]),
  )
  .option("--scaling", "one thread of sidus against two instead")
  .option("--json", "figures as JSON")
  .parse()
  .opts<Options>();

const missing = missingPackages("bench").map(({ name }) => name);
if (missing.some((name) => !peerPackages.includes(name))) requirePackages("bench");
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const room = await openBenchRoom(options.tree, options.trace, cleanup);
const only = options.only?.toLowerCase() ?? "";
const lists = writeLists(room.tree, room.work, options.trace);
const works = worksOf(lists, Number(options.seconds)).filter(({ title }) =>
  title.toLowerCase().includes(only),
);
const rounds = Number(options.rounds);
process.stdout.write(
  options.scaling ? await scaling(room, works, rounds, options.cache, cleanup) : await compare(),
);

async function compare(): Promise<string> {
  const { namespace, work } = room;
  const servers = await startServers(room);
  const load = compileLoad(work, namespace);
  const rows: Row[] = [];
  const loopback: number[] = [];
  for (const item of works) {
    const results = new Map(servers.map((server) => [server, [] as LoadResult[]]));
    if (item.unit !== "s") {
      // Caches fill and code is compiled before anything counts.
      for (const server of servers) await load(server, item.load);
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const server of servers) results.get(server)?.push(await load(server, item.load));
      if (!isLargeRead(item)) continue;
      loopback.push(await rawLoopback(namespace, item.load.connections, item.load.seconds));
    }
    const found = [...results].map(([server, of]) => measured(server.name, item, of));
    rows.push({ work: item, servers: found });
  }
  const resident = servers.map(({ name, pid }) => ({ name, mb: Math.round(residentMb(pid)) }));
  const raw = loopback.length === 0 ? undefined : Math.round(median(loopback));
  if (options.json) return `${JSON.stringify({ rows, resident, loopback: raw })}\n`;
  return [
    renderRows(rows, PEER),
    raw === undefined ? "" : `iperf3 on the same loopback, 4 x 128 KiB: ${raw} MB/s\n`,
    `resident after it: ${resident.map(({ name, mb }) => `${name} ${mb} MiB`).join(", ")} (cache: ${options.cache})\n`,
    `${rounds} rounds, ${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}\n`,
  ].join("");
}

function isLargeRead({ load }: Work): boolean {
  return load.work === "read" && load.size === 128 * 1024;
}

/** All run at once; those that are not loaded are idle. */
async function startServers({ namespace, tree, images, work }: BenchRoom): Promise<BenchServer[]> {
  const { threads, cache } = options;
  const own = (name: string, source: string, port: number) =>
    startSidus(
      namespace,
      { name, source, images, work: join(work, name), port, threads, cache },
      cleanup,
    );
  const directory = await own("dir", `source: ${tree}`, 10_000);
  const image = await own("image", "image: bench", 10_010);
  // It opens files by handle, which only the machine's own root may.
  if (missing.length > 0 || process.getuid?.() !== 0) {
    const why = missing.length > 0 ? `missing packages: ${missing.join(" ")}` : "needs root";
    process.stderr.write(`without ${PEER}: ${why}\n`);
    return [directory, image];
  }
  return [directory, image, await startGanesha(namespace, tree, join(work, PEER), cleanup)];
}
