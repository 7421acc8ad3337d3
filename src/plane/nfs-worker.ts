import { PRESENT_TOLD_EVERY_MS, VERSION_USE_TOLD_EVERY_MS } from "../limits.ts";
import { systemClock } from "../net/clock.ts";
import { noTraffic, type Traffic } from "../net/traffic.ts";
import { Mounts } from "../nfs/mounts.ts";
import { type Export, serveNfs } from "../nfs/server.ts";
import { BlockCache } from "../tree/cache/cache.ts";
import { Parents } from "../tree/parents.ts";
import { every } from "./every.ts";
import { openExports } from "./exports.ts";
import { beThread, type Main, problemOf } from "./inside.ts";
import type { Ask, NfsStart } from "./messages.ts";
import { SharedMounts } from "./shared-mounts.ts";
import { Telling } from "./telling.ts";
import { tellTraffic } from "./traffic.ts";
import { Trees } from "./trees.ts";

/** A thread of the data plane: opens its own trees over the cache of all, and serves NFS until it is told to stop. */

async function serve(start: NfsStart, { send, hear }: Main): Promise<void> {
  const { local, ...shared } = start;
  await using opened = new AsyncDisposableStack();
  const clock = systemClock;
  const telling = opened.use(new Telling(clock, (events) => send({ kind: "told", events })));
  const cache = BlockCache.attach(shared.cache);
  const parents = Parents.attach(shared.parents);
  const warn = (text: string): void => send({ kind: "warned", text });
  const trees = opened.use(new Trees({ clock, cache, parents, isVerified: true, warn }));
  let exports: readonly Export[] = await openExports(start.exports, trees);
  const mounts = new SharedMounts(new Mounts(), (change) => send({ kind: "mounts", change }));
  const traffic = { nfs: noTraffic(), mount: noTraffic() };
  const server = opened.use(
    await serveNfs({
      local,
      isShared: true,
      exports: () => exports,
      mounts,
      traffic: traffic.nfs,
      mountTraffic: traffic.mount,
      tell: (event) => telling.tell(event),
      report: (what, error) => send({ kind: "report", what, error }),
    }),
  );
  const tellUses = (): void => {
    const uses = server.takeUses();
    if (uses.length > 0) send({ kind: "used", uses });
  };
  opened.use(every(clock, VERSION_USE_TOLD_EVERY_MS, tellUses));
  const tellPresent = (): void => send({ kind: "present", addresses: server.hosts() });
  opened.use(every(clock, PRESENT_TOLD_EVERY_MS, tellPresent));
  for (const protocol of ["nfs", "mount"] as const) {
    const tell = (moved: Traffic): void => send({ kind: "traffic", protocol, traffic: moved });
    opened.use(tellTraffic(clock, traffic[protocol], tell));
  }
  const take = async ({ serial, exports: specs }: Ask & { serial: number }): Promise<void> => {
    try {
      exports = await openExports(specs, trees);
      send({ kind: "taken", serial });
      await trees.closeRemoved(specs.map(({ source }) => source));
    } catch (error) {
      send({ kind: "failed", serial, problem: problemOf(error) });
    }
  };
  const stopped = new Promise<void>((resolve) => {
    hear((message) => {
      if (message.kind === "stop") resolve();
      else if (message.kind === "mounts") mounts.follow(message.change);
      else if (message.kind === "exports") void take(message);
    });
  });
  send({ kind: "listening" });
  await stopped;
}

await beThread(serve);
