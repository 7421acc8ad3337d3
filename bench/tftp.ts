import { randomFillSync } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { Command } from "commander";
import { addServerInterface, openNamespace } from "../test/namespace.ts";
import { missingOf } from "./packages.ts";
import { residentMb } from "./processes.ts";
import { inRounds } from "./rounds.ts";
import { renderRows } from "./table.ts";
import { ADDRESS, compileLoad, type FileServer } from "./tftp/load.ts";
import { startDnsmasq, startSidus, startTftpd } from "./tftp/servers.ts";
import { httpWork, worksOf } from "./tftp/works.ts";

/**
 * sidus, dnsmasq and tftpd-hpa on the same file: the same load on one after the other, round by round, and the median of
 * each; then sidus alone by HTTP. `node bench/tftp.ts --help`; all in a private network, tftpd-hpa as root only.
 */

interface Options {
  readonly rounds: string;
  readonly seconds: string;
  readonly size: string;
  readonly only?: string;
  readonly json?: true;
}

const PEER = "dnsmasq";

const options = new Command()
  .option("--rounds <count>", "of each work", "3")
  .option("--seconds <count>", "of each load", "1")
  .option("--size <MiB>", "of the file", "16")
  .option("--only <work>", "only works whose title has this in it")
  .option("--json", "figures as JSON")
  .parse()
  .opts<Options>();

const missing = missingOf(["dnsmasq-base", "tftpd-hpa"]);
for (const name of missing) process.stderr.write(`without ${name}: the package is missing\n`);
await using cleanup = new AsyncDisposableStack();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void cleanup.disposeAsync().finally(() => process.exit(1)));
}
const work = mkdtempSync(join(tmpdir(), "sidus-bench-"));
cleanup.defer(() => rm(work, { recursive: true }));
const directory = join(work, "served");
mkdirSync(directory, { mode: 0o755 });
const file = { name: "initrd.img", path: join(directory, "initrd.img") };
writeFileSync(file.path, randomFillSync(new Uint8Array(Number(options.size) << 20)));

const namespace = cleanup.use(await openNamespace());
addServerInterface(namespace, "room0", `${ADDRESS}/24`);
const load = compileLoad(work, namespace, file);
const rounds = Number(options.rounds);
const seconds = Number(options.seconds);
const isAsked = ({ title }: { readonly title: string }): boolean =>
  title.toLowerCase().includes(options.only?.toLowerCase() ?? "");

const ours = await startSidus(namespace, directory, cleanup);
const servers = [ours, ...(await startPeers())];
const run = (server: FileServer, item: ReturnType<typeof httpWork>) => load(server, item.load);
const rows = await inRounds({
  servers,
  works: worksOf(seconds).filter(isAsked),
  rounds,
  load: run,
});
const http = await inRounds({
  servers: [ours],
  works: [httpWork(seconds)].filter(isAsked),
  rounds,
  load: run,
});
const resident = servers.map(({ name, pid }) => ({ name, mb: Math.round(residentMb(pid)) }));
process.stdout.write(options.json ? `${JSON.stringify({ rows, http, resident })}\n` : table());

function table(): string {
  const [lockStep, byHttp] = [rows[0], http[0]].map((row) => row?.servers[0]?.figure);
  const better =
    lockStep === undefined || byHttp === undefined
      ? ""
      : `HTTP is ${(byHttp / lockStep).toFixed(1)} x ${rows[0]?.work.title}\n`;
  return [
    rows.length === 0 ? "" : renderRows(rows, PEER),
    http.length === 0 ? "" : renderRows(http, PEER),
    better,
    "CPU: of the server, for each megabyte\n",
    `resident after it: ${resident.map(({ name, mb }) => `${name} ${mb} MiB`).join(", ")}\n`,
    `${rounds} rounds, ${availableParallelism()} cores, ${cpus()[0]?.model}, node ${process.version}\n`,
  ].join("");
}

/** All run at once; those that are not loaded are idle. */
async function startPeers(): Promise<FileServer[]> {
  const peers: FileServer[] = [];
  if (!missing.includes("dnsmasq-base")) {
    peers.push(await startDnsmasq(namespace, directory, cleanup));
  }
  // It asks to become another user, which in a user's own namespace nobody can.
  const isRoot = process.getuid?.() === 0;
  if (isRoot && !missing.includes("tftpd-hpa")) {
    peers.push(await startTftpd(namespace, directory, cleanup));
  }
  return peers;
}
