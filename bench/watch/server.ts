import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { Worker } from "node:worker_threads";
import type { BootFiles } from "../../src/boot/files.ts";
import { cleanPath, openInTree } from "../../src/boot/served/files.ts";
import { parseCidr, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { openWatching, type Watching } from "../../src/cli/watching.ts";
import { serveHttp } from "../../src/http/server.ts";
import { THREAD_YOUNG_MIB } from "../../src/limits.ts";
import { systemClock } from "../../src/net/clock.ts";
import { openIscsi } from "../../src/plane/iscsi.ts";
import type { ExportSpec, VolumeGrant } from "../../src/plane/messages.ts";
import { openDataPlane } from "../../src/plane/plane.ts";
import { openState } from "../../src/state/state.ts";
import { serveTftp } from "../../src/tftp/server.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { Parents } from "../../src/tree/parents.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { bootEvents } from "../../test/cli/watched.ts";
import { numberedMac } from "../../test/dhcp/messages.ts";
import { IQN, VOLUME, VOLUME_BYTES } from "./served.ts";
import type { UnwatchedStart } from "./unwatched.ts";

/**
 * One directory by NFS, HTTP and TFTP, and a volume by iSCSI, with all that watches behind them (`on`) or with nothing
 * (`off`); `on` also tells it of a hundred nodes that boot within ten seconds, again and again, since the loads themselves
 * are no nodes. `server.ts ADDRESS PORT DIRECTORY WORK on|off`, until it is killed; NFS at PORT, HTTP at the next, then
 * iSCSI, TFTP. Volumes are in WORK/volumes.
 */

const NODES = 100;
const ROUND_MS = 10_000;

const [host = "", firstPort, directory = "", work = "", mode] = process.argv.slice(2);
const address = parseIpv4(host);
const everybody = parseCidr("0.0.0.0/0");
if (address === undefined || everybody === undefined)
  throw new Error("usage: at the head of server.ts");
const at = (offset: number) => ({ address, port: Number(firstPort) + offset });
const report = (what: string, error: unknown) => void process.stderr.write(`${what}: ${error}\n`);
const clock = systemClock;
mkdirSync(work, { recursive: true });
const watching = mode === "on" ? watchingOn() : undefined;
const tell = watching === undefined ? () => {} : (event: BootEvent) => watching.tell(event);
const cache = BlockCache.create(256 << 20);
const parents = Parents.create();
const path = "/srv/nfsroot/bench";
const source = { kind: "directory", path: directory } as const;
const exports: readonly ExportSpec[] = [
  { name: "bench", path, clients: [everybody], squash: "none", source },
];
const volumes = join(work, "volumes");
const grants: readonly VolumeGrant[] = [
  { volume: VOLUME, node: "load", bytes: VOLUME_BYTES, chap: undefined },
];
if (watching === undefined) {
  const shared = { cache: cache.shared, parents: parents.shared };
  unwatched({ kind: "nfs", local: at(0), ...shared, exports });
  unwatched({ kind: "iscsi", local: at(2), iqn: IQN, volumes, grants });
} else await serveWatched(watching);
const tree = await openDirectory(directory, { clock, cache });
const files: BootFiles = async (wanted) => {
  const name = cleanPath(wanted);
  return name === undefined ? "missing" : openInTree(tree, name);
};
await serveHttp({
  local: at(1),
  files,
  up() {},
  status: () => watching?.status() ?? {},
  explain: () => ({ isHeard: false, shown: {} }),
  ...(watching === undefined ? {} : { page: () => watching.page() }),
  tell,
  report,
});
await serveTftp({ local: at(3), clock, files, tell, report });

async function serveWatched(by: Watching): Promise<void> {
  const common = { tell, present() {}, warn() {}, report };
  await openDataPlane({
    ...common,
    local: at(0),
    threads: 1,
    cache,
    parents,
    exports,
    moved: by.moved,
    used() {},
    failed: (error) => report("NFS", error),
  });
  await openIscsi({
    ...common,
    local: at(2),
    iqn: IQN,
    volumes,
    grants: async () => grants,
    moved: by.moved,
    failed: (error) => report("iSCSI", error),
  });
}

/** As the data plane starts its threads. */
function unwatched(start: UnwatchedStart): void {
  new Worker(new URL("./unwatched.ts", import.meta.url), {
    workerData: start,
    resourceLimits: { maxYoungGenerationSizeMb: THREAD_YOUNG_MIB },
  });
}

function watchingOn(): Watching {
  const state = openState(join(work, "state"));
  // Whatever asks is a node: its files and mounts are told of one.
  const mac = numberedMac(0xffff);
  const opened = openWatching({
    clock,
    past: state.boots({ clock, report }),
    whoHas: () => ({ mac, name: "load" }),
    reached() {},
    nodeBy: () => ({ name: "load" }),
    mode: "server",
    isPresent: () => true,
    leases: () => NODES,
    report,
  });
  const steps = Array.from({ length: NODES }, (_, at) => bootEvents(at + 1, `n${at + 1}`));
  const moments = steps.flat();
  let next = 0;
  setInterval(() => {
    for (const event of moments[next % moments.length] ?? []) opened.tell(event);
    next += 1;
  }, ROUND_MS / moments.length);
  return opened;
}
