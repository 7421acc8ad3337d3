import { readdirSync, statSync } from "node:fs";
import process from "node:process";
import { ANY_ADDRESS, LOOPBACK_ADDRESS } from "../../../src/bytes/ipv4.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { serveNfs } from "../../../src/nfs/server.ts";
import { BlockCache } from "../../../src/tree/cache/cache.ts";
import { openDirectory } from "../../../src/tree/directory.ts";
import { openErofs } from "../../../src/tree/erofs.ts";
import type { BootEvent } from "../../../src/watch/events.ts";
import { Refusals } from "../../../src/watch/refusals.ts";
import type { Answer, Asked } from "./messages.ts";

/** `node --expose-gc server.ts DIRECTORY_OR_IMAGE`: NFS and MOUNT for everybody, as a process that is measured. */

const [source = ""] = process.argv.slice(2);
const refusals = new Refusals();
const reported: string[] = [];
const cache = BlockCache.create(16 << 20);
const tree = statSync(source).isDirectory()
  ? await openDirectory(source, { clock: systemClock, cache })
  : await openErofs(source, { cache });
const anywhere = { network: ANY_ADDRESS, prefix: 0 };
const exports = [{ name: "test", path: "/srv/nfsroot/test", tree, clients: [anywhere] }];
const server = await serveNfs({
  local: { address: LOOPBACK_ADDRESS, port: 0 },
  exports: () => exports,
  tell: (event: BootEvent) => refusals.tell(event),
  report: (what: string, error: unknown) => reported.push(`${what}: ${String(error)}`),
});

async function collect(): Promise<void> {
  for (let round = 0; round < 4; round += 1) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const send = (message: Answer): boolean => process.send?.(message) ?? false;

process.on("message", async ({ collected }: Asked) => {
  if (collected) await collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  send({
    kind: "state",
    connections: server.connections,
    descriptors: readdirSync("/proc/self/fd").length,
    heapBytes: heapUsed + external,
    residentBytes: rss,
    pinnedBytes: cache.stats().bytesPinned,
    refused: refusals.counts()["nfs"] ?? {},
    reported,
  });
});
process.on("disconnect", () => process.exit(0));
send({ kind: "listening", port: server.local.port });
