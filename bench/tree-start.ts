import process from "node:process";
import { LOOPBACK_ADDRESS } from "../src/bytes/ipv4.ts";
import { systemClock } from "../src/net/clock.ts";
import { serveNfs } from "../src/nfs/server.ts";
import { BlockCache } from "../src/tree/cache/cache.ts";
import { openDirectory } from "../src/tree/directory.ts";
import type { FileId } from "../src/tree/tree.ts";
import { treeOr } from "./made-tree.ts";

/**
 * How long until a tree is served, how long the search for a handle from before a restart takes, and the memory that
 * both need. `node bench/tree-start.ts [DIRECTORY]`; without one, it makes a tree of 17,000 entries.
 */

const residentMb = (): string => (process.memoryUsage().rss / 2 ** 20).toFixed(0);

await using cleanup = new AsyncDisposableStack();
const path = await treeOr(process.argv[2], cleanup);

const beforeMb = residentMb();
const started = performance.now();
const tree = cleanup.use(
  await openDirectory(path, { clock: systemClock, cache: BlockCache.create(16 << 20) }),
);
const exported = [{ name: "bench", path: "/bench", tree, clients: [] }];
cleanup.use(
  await serveNfs({
    local: { address: LOOPBACK_ADDRESS, port: 0 },
    exports: () => exported,
    tell: () => {},
    report: (what, error) => process.stderr.write(`${what}: ${String(error)}\n`),
  }),
);
const listeningMs = performance.now() - started;
const listeningMb = residentMb();

// No file has this id, so the whole tree is searched for it.
const searching = performance.now();
await tree.attributes(1n as FileId);
const searchMs = performance.now() - searching;

process.stdout.write(
  [
    `listening after   ${listeningMs.toFixed(1)} ms`,
    `whole tree search ${searchMs.toFixed(0)} ms`,
    `resident memory   ${beforeMb} MB before, ${listeningMb} MB listening, ${residentMb()} MB after the search`,
    "",
  ].join("\n"),
);
