import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import type { BootFiles } from "../../src/boot/files.ts";
import { cleanPath, openInTree } from "../../src/boot/served/files.ts";
import { parseCidr, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { openWatching, type Watching } from "../../src/cli/watching.ts";
import { serveHttp } from "../../src/http/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import { openDataPlane } from "../../src/plane/plane.ts";
import { openState } from "../../src/state/state.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { Parents } from "../../src/tree/parents.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { bootEvents } from "../../test/cli/watched.ts";
import { numberedMac } from "../../test/dhcp/messages.ts";

/**
 * NFS and HTTP of one directory, with all that watches behind it (`on`) or with nothing (`off`); `on` also tells it of a
 * hundred nodes that boot within ten seconds, again and again, since the loads themselves are no nodes.
 * `server.ts ADDRESS NFS-PORT HTTP-PORT DIRECTORY WORK on|off`, until it is killed.
 */

const NODES = 100;
const ROUND_MS = 10_000;

const [host = "", nfsPort, httpPort, directory = "", work = "", mode] = process.argv.slice(2);
const address = parseIpv4(host);
const everybody = parseCidr("0.0.0.0/0");
if (address === undefined || everybody === undefined)
  throw new Error("usage: at the head of server.ts");
const report = (what: string, error: unknown) => void process.stderr.write(`${what}: ${error}\n`);
const clock = systemClock;
mkdirSync(work, { recursive: true });
const watching = mode === "on" ? watchingOn() : undefined;
const tell = (event: BootEvent): void => watching?.tell(event);
const cache = BlockCache.create(256 << 20);
const parents = Parents.create();
await openDataPlane({
  local: { address, port: Number(nfsPort) },
  threads: 2,
  cache,
  parents,
  exports: [
    {
      name: "bench",
      path: "/srv/nfsroot/bench",
      clients: [everybody],
      squash: "none",
      source: { kind: "directory", path: directory },
    },
  ],
  tell,
  present() {},
  moved: (traffic) => watching?.moved("nfs", traffic),
  used() {},
  warn() {},
  report,
  failed: (error) => report("NFS", error),
});
const tree = await openDirectory(directory, { clock, cache });
const files: BootFiles = async (path) => {
  const name = cleanPath(path);
  return name === undefined ? "missing" : openInTree(tree, name);
};
await serveHttp({
  local: { address, port: Number(httpPort) },
  files,
  up() {},
  status: () => watching?.status() ?? {},
  explain: () => ({ isHeard: false, shown: {} }),
  ...(watching === undefined ? {} : { page: () => watching.page() }),
  tell,
  report,
});

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
