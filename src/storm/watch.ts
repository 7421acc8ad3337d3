import type { Worker } from "node:worker_threads";
import type { Clock, Instant } from "../net/clock.ts";
import { stormProtocols } from "./client.ts";
import type { SharedPlaces } from "./node/places.ts";
import { progresses } from "./node/stages.ts";
import type { Sample } from "./result.ts";
import { UsageMeter } from "./room/usage.ts";
import type { SharedCounts } from "./tally.ts";

/** What the main thread has of one of nodes. */
export interface WatchedThread {
  readonly worker: Worker;
  readonly counts: SharedCounts;
  readonly places: SharedPlaces;
}

type Counts = Sample["calls"];

/** Looks at threads, servers and machine, without asking any of them: they may be busy. */
export class Watch {
  readonly #clock: Clock;
  readonly #threads: readonly WatchedThread[];
  readonly #begunAt: Instant;
  readonly #usage: UsageMeter;
  #before: { received: Counts; calls: Counts; retransmits: number };
  #loops: ReturnType<Worker["performance"]["eventLoopUtilization"]>[];
  busyMax = 0;

  constructor(
    clock: Clock,
    threads: readonly WatchedThread[],
    serverPids: (() => readonly number[]) | undefined,
  ) {
    this.#clock = clock;
    this.#threads = threads;
    this.#begunAt = clock.now();
    this.#usage = new UsageMeter(clock, serverPids);
    this.#before = { received: {}, calls: {}, retransmits: 0 };
    this.#loops = threads.map(({ worker }) => worker.performance.eventLoopUtilization());
  }

  get seconds(): number {
    return (this.#clock.now() - this.#begunAt) / 1000;
  }

  /** What took CPU since the watch began. */
  used(): ReturnType<UsageMeter["total"]> {
    return this.#usage.total();
  }

  take(): Sample {
    const total = {
      received: this.#totals("received"),
      calls: this.#totals("calls"),
      retransmits: this.#sum(({ counts }) =>
        stormProtocols.reduce((sum, protocol) => sum + counts.get(protocol, "retransmits"), 0),
      ),
    };
    const before = this.#before;
    this.#before = total;
    const { serverCpu, serverRss, loadCpu, machineCpu } = this.#usage.take();
    const stages = progresses.map((place) => [place, this.#placed(place)] as const);
    return {
      at: this.seconds,
      received: since(before.received, total.received),
      calls: since(before.calls, total.calls),
      retransmits: total.retransmits - before.retransmits,
      stages: Object.fromEntries(stages.filter(([, nodes]) => nodes > 0)),
      failed: this.#placed("failed"),
      ...(serverCpu === undefined ? {} : { serverCpu }),
      ...(serverRss === undefined ? {} : { serverRss }),
      loadCpu,
      loadBusy: this.#busy(),
      machineCpu,
    };
  }

  #placed(place: Parameters<SharedPlaces["get"]>[0]): number {
    return this.#sum(({ places }) => places.get(place));
  }

  #totals(field: "received" | "calls"): Counts {
    const entries = stormProtocols.map(
      (protocol) => [protocol, this.#sum(({ counts }) => counts.get(protocol, field))] as const,
    );
    return Object.fromEntries(entries);
  }

  #sum(value: (thread: WatchedThread) => number): number {
    return this.#threads.reduce((sum, thread) => sum + value(thread), 0);
  }

  /** Of a thread that has ended nothing more is told. */
  #busy(): number {
    const now = this.#threads.map(({ worker }) => worker.performance.eventLoopUtilization());
    const busy = this.#threads.map(({ worker }, index) => {
      return worker.performance.eventLoopUtilization(now[index], this.#loops[index]).utilization;
    });
    this.#loops = now;
    const most = Math.max(0, ...busy.filter((share) => share >= 0 && share <= 1));
    this.busyMax = Math.max(this.busyMax, most);
    return most;
  }
}

function since(before: Counts, now: Counts): Counts {
  const entries = stormProtocols.map(
    (protocol) => [protocol, (now[protocol] ?? 0) - (before[protocol] ?? 0)] as const,
  );
  return Object.fromEntries(entries.filter(([, more]) => more > 0));
}
