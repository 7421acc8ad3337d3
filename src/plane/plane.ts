import type { Ipv4 } from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Traffic } from "../net/traffic.ts";
import type { VersionUse } from "../nfs/uses.ts";
import type { BlockCache } from "../tree/cache/cache.ts";
import type { Parents } from "../tree/parents.ts";
import type { BootEvent, Protocol } from "../watch/events.ts";
import { freeEndpoint } from "./free-endpoint.ts";
import type { ExportSpec, NfsStart } from "./messages.ts";
import { PlaneThread, type Unasked } from "./thread.ts";

export interface DataPlaneOptions {
  /** NFS and MOUNT. Port 0 lets the system choose. */
  readonly local: Endpoint;
  readonly threads: number;
  readonly cache: BlockCache;
  readonly parents: Parents;
  readonly exports: readonly ExportSpec[];
  readonly tell: (event: BootEvent) => void;
  /** Addresses that have connections: told by each thread, every now and then. */
  readonly present: (addresses: readonly Ipv4[]) => void;
  /** What was moved since this was last said. */
  readonly moved?: (protocol: Protocol, traffic: Traffic) => void;
  /** Who used which version of an image since this was last said. */
  readonly used: (uses: readonly VersionUse[]) => void;
  readonly warn: (text: string) => void;
  readonly report: (what: string, error: unknown) => void;
  /** A thread ended, though nobody stopped it: its part of the nodes is not served any more. */
  readonly failed: (error: unknown) => void;
}

/** Threads that serve NFS, each its own connections: the kernel spreads them. */
export interface DataPlane extends AsyncDisposable {
  readonly local: Endpoint;
  /** Takes on another list of exports; done when every thread has. @throws UserError */
  take(exports: readonly ExportSpec[]): Promise<void>;
}

/** Starts the threads; answers when all of them listen. @throws UserError where the port is taken or a tree cannot be served. */
export async function openDataPlane(options: DataPlaneOptions): Promise<DataPlane> {
  const local = await freeEndpoint(options.local);
  const start: NfsStart = {
    kind: "nfs",
    local,
    cache: options.cache.shared,
    parents: options.parents.shared,
    exports: options.exports,
  };
  await using opened = new AsyncDisposableStack();
  const threads: PlaneThread[] = Array.from({ length: options.threads }, () =>
    opened.use(new PlaneThread({ start, hear, failed: options.failed })),
  );
  function hear(message: Unasked, from: PlaneThread): void {
    switch (message.kind) {
      case "told":
        message.events.forEach(options.tell);
        break;
      case "used":
        options.used(message.uses);
        break;
      case "present":
        options.present(message.addresses);
        break;
      case "traffic":
        options.moved?.(message.protocol, message.traffic);
        break;
      case "report":
        options.report(message.what, message.error);
        break;
      case "warned":
        options.warn(message.text);
        break;
      case "grants":
        throw new Error(`a thread that serves NFS says ${message.kind}`);
      case "mounts":
        for (const thread of threads) if (thread !== from) thread.post(message);
    }
  }
  await Promise.all(threads.map((thread) => thread.listening()));
  /** Done when all are done, well or not. */
  async function all(work: (thread: PlaneThread) => Promise<void>): Promise<void> {
    const results = await Promise.allSettled(threads.map(work));
    const failure = results.find((result) => result.status === "rejected");
    if (failure !== undefined) throw failure.reason;
  }
  let taken = options.exports;
  const stack = opened.move();
  return {
    local,
    async take(exports) {
      try {
        await all((thread) => thread.ask({ kind: "exports", exports }));
        taken = exports;
      } catch (error) {
        await all((thread) => thread.ask({ kind: "exports", exports: taken }));
        throw error;
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
