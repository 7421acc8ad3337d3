import { parentPort, workerData } from "node:worker_threads";
import { after } from "../bytes/instant.ts";
import { VERSION_USE_TOLD_EVERY_MS } from "../limits.ts";
import { systemClock } from "../net/clock.ts";
import { Mounts } from "../nfs/mounts.ts";
import { type Export, serveNfs } from "../nfs/server.ts";
import { BlockCache } from "../tree/cache/cache.ts";
import { Parents } from "../tree/parents.ts";
import { UserError } from "../user-error.ts";
import { openExports } from "./exports.ts";
import type { FromWorker, ToWorker, WorkerStart } from "./messages.ts";
import { SharedMounts } from "./shared-mounts.ts";
import { Telling } from "./telling.ts";
import { Trees } from "./trees.ts";

/** A thread of the data plane: opens its own trees over the cache of all, and serves NFS until it is told to stop. */

if (parentPort === null) throw new Error("worker.ts is a thread's, not a program");
const main = parentPort;
const send = (message: FromWorker): void => main.postMessage(message);

async function serve({ local, exports: specs, ...shared }: WorkerStart): Promise<void> {
  await using opened = new AsyncDisposableStack();
  const clock = systemClock;
  const telling = opened.use(new Telling(clock, (events) => send({ kind: "told", events })));
  const cache = BlockCache.attach(shared.cache);
  const parents = Parents.attach(shared.parents);
  const trees = opened.use(new Trees({ clock, cache, parents, isVerified: true }));
  let exports: readonly Export[] = await openExports(specs, trees);
  const mounts = new SharedMounts(new Mounts(), (change) => send({ kind: "mounts", change }));
  const server = opened.use(
    await serveNfs({
      local,
      isShared: true,
      exports: () => exports,
      mounts,
      tell: (event) => telling.tell(event),
      report: (what, error) => send({ kind: "report", what, error }),
    }),
  );
  const alarm = opened.use(
    clock.alarm(() => {
      const uses = server.takeUses();
      if (uses.length > 0) send({ kind: "used", uses });
      alarm.set(after(clock.now(), VERSION_USE_TOLD_EVERY_MS));
    }),
  );
  alarm.set(after(clock.now(), VERSION_USE_TOLD_EVERY_MS));
  const stopped = new Promise<void>((resolve) => {
    main.on("message", async (message: ToWorker) => {
      if (message.kind === "stop") return resolve();
      if (message.kind === "mounts") return mounts.follow(message.change);
      const { serial } = message;
      try {
        exports = await openExports(message.exports, trees);
        send({ kind: "taken", serial });
      } catch (error) {
        sendFailure(serial, error);
      }
    });
  });
  send({ kind: "listening" });
  await stopped;
}

/** An error's class does not cross; what is no UserError goes on as it is. */
function sendFailure(serial: number | undefined, error: unknown): void {
  if (!(error instanceof UserError)) throw error;
  const { message, exitCode } = error;
  send({ kind: "failed", serial, problem: { message, exitCode } });
}

try {
  await serve(workerData as WorkerStart);
} catch (error) {
  sendFailure(undefined, error);
} finally {
  main.close();
}
