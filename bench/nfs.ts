import { availableParallelism, cpus } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command, Option } from "commander";
import { compileLoad } from "./nfs/load.ts";
import { type BenchRoom, openBenchRoom } from "./nfs/room.ts";
import { scaling } from "./nfs/scaling.ts";
import { type BenchServer, rawLoopback, startGanesha, startSidus } from "./nfs/servers.ts";
import { traceNames } from "./nfs/trace.ts";
import { type NfsWork, worksOf, writeLists } from "./nfs/works.ts";
import { missingOf } from "./packages.ts";
import { residentMb } from "./processes.ts";
import { inRounds } from "./rounds.ts";
import { median, renderRows } from "./table.ts";

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

const missing = missingOf(["nfs-ganesha", "nfs-ganesha-vfs", "rpcbind"]);
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
  const loopback: number[] = [];
  const rows = await inRounds({
    servers,
    works,
    rounds,
    load: (server, item) => load(server, item.load),
    async between(item) {
      if (!isLargeRead(item)) return;
      const { connections, seconds } = item.load;
      loopback.push(await rawLoopback(namespace, connections, seconds));
    },
  });
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

function isLargeRead({ load }: NfsWork): boolean {
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
