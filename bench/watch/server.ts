import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { BootFiles } from "../../src/boot/files.ts";
import { cleanPath, openInTree } from "../../src/boot/served/files.ts";
import { parseCidr, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { openWatching } from "../../src/cli/watching.ts";
import { serveHttp } from "../../src/http/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import type { NodeHandler } from "../../src/net/http.ts";
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
import { HeldClock } from "./held-clock.ts";
import { IQN, signals, VOLUME, VOLUME_BYTES } from "./served.ts";

/**
 * One directory by NFS, HTTP and TFTP, and a volume by iSCSI. A signal (served.ts) turns all on that watches, another
 * turns it off: then nothing is told to it, and its clock stands still. While it is on, it is also told of a hundred
 * nodes that boot within ten seconds, again and again, since the loads themselves are no nodes. `server.ts ADDRESS PORT
 * DIRECTORY WORK`, until it is killed; NFS at PORT, HTTP at the next, then iSCSI, TFTP. Volumes are in WORK/volumes.
 */

const NODES = 100;
const ROUND_MS = 10_000;
/** Many at once: to be woken for each is what packets cost, not who watches. */
const TOLD_EVERY_MS = 100;

const [host = "", firstPort, directory = "", work = ""] = process.argv.slice(2);
const address = parseIpv4(host);
const everybody = parseCidr("0.0.0.0/0");
if (address === undefined || everybody === undefined)
  throw new Error("usage: at the head of server.ts");
const at = (offset: number) => ({ address, port: Number(firstPort) + offset });
const report = (what: string, error: unknown) => void process.stderr.write(`${what}: ${error}\n`);
mkdirSync(work, { recursive: true });

const watchingClock = new HeldClock();
watchingClock.hold();
// Whatever asks is a node: its files and mounts are told of one.
const mac = numberedMac(0xffff);
const watching = openWatching({
  clock: watchingClock,
  past: openState(join(work, "state")).boots({ clock: watchingClock, report }),
  whoHas: () => ({ mac, name: "load" }),
  reached() {},
  nodeBy: () => ({ name: "load" }),
  mode: "server",
  isPresent: () => true,
  leases: () => NODES,
  report,
});
const page = await watching.page();
/** Readers stay, and hear nothing while nobody watches. */
const asked: NodeHandler = (request, response) => {
  if (watchingClock.isHeld && request.url !== "/events") response.end();
  else page(request, response);
};
const tell = (event: BootEvent): void => {
  if (!watchingClock.isHeld) watching.tell(event);
};

const ways = Array.from({ length: NODES }, (_, node) =>
  bootEvents(node + 1, `n${node + 1}`).flat(),
);
/** All nodes are on their way at a time, and a file's end does not follow its beginning at once. */
const moments = (ways[0] ?? []).flatMap((_, step) => ways.flatMap((way) => way[step] ?? []));
let told = 0;
const boots = watchingClock.alarm(() => {
  for (const until = told + (moments.length * TOLD_EVERY_MS) / ROUND_MS; told < until; told += 1) {
    const event = moments[told % moments.length];
    if (event !== undefined) tell(event);
  }
  bootOn();
});
bootOn();
process.on(signals.on, () => watchingClock.go());
process.on(signals.off, () => watchingClock.hold());

const cache = BlockCache.create(256 << 20);
const parents = Parents.create();
const path = "/srv/nfsroot/bench";
const source = { kind: "directory", path: directory } as const;
const exports: readonly ExportSpec[] = [
  { name: "bench", path, clients: [everybody], squash: "none", source },
];
const grants: readonly VolumeGrant[] = [
  { volume: VOLUME, node: "load", bytes: VOLUME_BYTES, chap: undefined },
];
const plane = {
  tell,
  moved: (...moved: Parameters<typeof watching.moved>) => {
    if (!watchingClock.isHeld) watching.moved(...moved);
  },
  present() {},
  warn() {},
  report,
};
await openDataPlane({
  ...plane,
  local: at(0),
  threads: 1,
  cache,
  parents,
  exports,
  used() {},
  failed: (error) => report("NFS", error),
});
await openIscsi({
  ...plane,
  local: at(2),
  iqn: IQN,
  volumes: join(work, "volumes"),
  grants: async () => grants,
  failed: (error) => report("iSCSI", error),
});
const tree = await openDirectory(directory, { clock: systemClock, cache });
const files: BootFiles = async (wanted) => {
  const name = cleanPath(wanted);
  return name === undefined ? "missing" : openInTree(tree, name);
};
await serveHttp({
  local: at(1),
  files,
  up() {},
  status: () => watching.status(),
  explain: () => ({ isHeard: false, shown: {} }),
  page: async () => asked,
  tell,
  report,
});
await serveTftp({ local: at(3), clock: systemClock, files, tell, report });

function bootOn(): void {
  boots.set((watchingClock.now() + TOLD_EVERY_MS) as ReturnType<typeof watchingClock.now>);
}
