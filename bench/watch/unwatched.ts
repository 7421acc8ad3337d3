import { randomBytes } from "node:crypto";
import { workerData } from "node:worker_threads";
import { serveIscsi } from "../../src/iscsi/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import { localSockets } from "../../src/net/local.ts";
import { serveNfs } from "../../src/nfs/server.ts";
import { openExports } from "../../src/plane/exports.ts";
import type { IscsiStart, NfsStart, VolumeGrant } from "../../src/plane/messages.ts";
import { Trees } from "../../src/plane/trees.ts";
import { VolumeTargets } from "../../src/plane/volume-targets.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import { serveClaims } from "../../src/volume/claims.ts";
import { VolumeStore } from "../../src/volume/store.ts";

/**
 * A thread of the data plane that tells nothing of what it serves. (Three sums a call stay, of calls and bytes: a few
 * nanoseconds.)
 */

export type UnwatchedStart = NfsStart | (IscsiStart & { readonly grants: readonly VolumeGrant[] });

const clock = systemClock;
const tell = (): void => {};
const warn = (text: string): void => void process.stderr.write(`${text}\n`);
const report = (what: string, error: unknown): void => warn(`${what}: ${error}`);
const start = workerData as UnwatchedStart;
if (start.kind === "nfs") await nfs(start);
else await iscsi(start);

async function nfs({ local, exports, ...shared }: NfsStart): Promise<void> {
  const cache = BlockCache.attach(shared.cache);
  const parents = Parents.attach(shared.parents);
  const trees = new Trees({ clock, cache, parents, isVerified: true, warn });
  const opened = await openExports(exports, trees);
  await serveNfs({ local, isShared: true, exports: () => opened, tell, report });
}

async function iscsi({
  local,
  iqn,
  volumes,
  grants: all,
}: Extract<UnwatchedStart, { kind: "iscsi" }>): Promise<void> {
  const store = new VolumeStore(volumes);
  const claims = await serveClaims({ directory: volumes, sockets: localSockets, clock });
  const grants = async (): Promise<readonly VolumeGrant[]> => all;
  const targets = new VolumeTargets({ iqn, store, claims, grants, clock, warn, report });
  await serveIscsi({ local, targets, clock, random: randomBytes, tell, report });
}
