import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { addServerInterface, openNamespace } from "../test/namespace.ts";
import type { LoadResult } from "./load.ts";
import { treeOr } from "./made-tree.ts";
import { compileLoad as compileNfs } from "./nfs/load.ts";
import { type NfsWork, worksOf, writeLists } from "./nfs/works.ts";
import { missingOf } from "./packages.ts";
import { listening, pidOf, runUntilEnd } from "./processes.ts";
import { inRounds } from "./rounds.ts";
import { renderRows } from "./table.ts";
import { ADDRESS, compileLoad as compileFiles } from "./tftp/load.ts";
import { type FileWork, httpWork } from "./tftp/works.ts";

/**
 * What watching costs: the same load on NFS and HTTP without any of it, and with events, history and metrics while four
 * readers follow /events, a Prometheus asks every second and a hundred nodes boot. Wanted: at least 0.97 of the throughput.
 * `node bench/watch.ts --help`; in a private network.
 */

const options = new Command()
  .option("--tree <directory>", "what is served (default: one of 17,000 entries is made)")
  .option("--rounds <count>", "of each work", "7")
  .option("--seconds <count>", "of each load", "2")
  .option("--only <work>", "only works whose title has this in it")
  .option("--json", "figures as JSON")
  .parse()
  .opts<{ tree?: string; rounds: string; seconds: string; only?: string; json?: true }>();

const READERS = 4;
const OFF = "without";
const ON = "watched";

interface Server {
  readonly name: string;
  readonly nfs: number;
  readonly http: number;
  readonly pid: number;
}

missingOf([]);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rmSync(work, { recursive: true }));
const tree = await treeOr(options.tree, cleanup);
const file = { name: "initrd.img", path: join(work, "initrd.img") };
const large = join(tree, "large");
if (options.tree === undefined) addLargeFiles();
const namespace = cleanup.use(await openNamespace());
addServerInterface(namespace, "room0", `${ADDRESS}/24`);
const servers = [await start(OFF, 20_000, "off"), await start(ON, 20_010, "on")];
follow(servers[1]);
const loadNfs = compileNfs(directoryFor("nfs"), namespace);
const loadFiles = compileFiles(directoryFor("http"), namespace, {
  name: "large/file-0",
  path: file.path,
});
const seconds = Number(options.seconds);
const titles = ["GETATTR", "LOOKUP", "READ 128", "mixed"];
const nfs = worksOf(writeLists(tree, work, []), seconds).filter(({ title }) =>
  titles.some((start) => title.startsWith(start)),
);
const works: readonly (NfsWork | FileWork)[] = [...nfs, httpWork(seconds)].filter(({ title }) =>
  title.toLowerCase().includes(options.only?.toLowerCase() ?? ""),
);
const rows = await inRounds({ servers, works, rounds: Number(options.rounds), load });
process.stdout.write(options.json ? `${JSON.stringify({ rows })}\n` : renderRows(rows, OFF));

function load(
  { name, nfs: port, http, pid }: Server,
  item: NfsWork | FileWork,
): Promise<LoadResult> {
  if ("protocol" in item.load) {
    return loadFiles({ name, tftpPort: 0, httpPort: http, pid }, item.load);
  }
  const path = "/srv/nfsroot/bench";
  return loadNfs({ name, address: ADDRESS, port, mountPort: port, path, pid }, item.load);
}

async function start(name: string, port: number, mode: "on" | "off"): Promise<Server> {
  const program = fileURLToPath(new URL("watch/server.ts", import.meta.url));
  const state = join(work, name);
  const given = [ADDRESS, String(port), String(port + 1), tree, state, mode];
  const child = runUntilEnd(namespace, process.execPath, [program, ...given], cleanup);
  for (const at of [port, port + 1]) await listening(namespace, at, child);
  return { name, nfs: port, http: port + 1, pid: pidOf(child) };
}

/** As browsers, terminals and a Prometheus do. */
function follow(server: Server | undefined): void {
  const origin = `http://${ADDRESS}:${server?.http}`;
  for (let reader = 0; reader < READERS; reader += 1) {
    runUntilEnd(namespace, "curl", ["--silent", "--no-buffer", `${origin}/events`], cleanup);
  }
  const scrape = `while sleep 1; do curl --silent ${origin}/metrics; done`;
  runUntilEnd(namespace, "sh", ["-c", scrape], cleanup);
}

function addLargeFiles(): void {
  mkdirSync(large);
  for (let at = 0; at < 8; at += 1) {
    const bytes = randomFillSync(new Uint8Array(8 << 20));
    writeFileSync(join(large, `file-${at}`), bytes);
    if (at === 0) writeFileSync(file.path, bytes);
  }
}

function directoryFor(name: string): string {
  const directory = join(work, name);
  mkdirSync(directory);
  return directory;
}
