import type { StormResult } from "../result.ts";
import { bootSeconds } from "./figures.ts";
import { percentText, secondsText } from "./format.ts";
import { callsOf, linkPayload, quantile, receivedOf, totalOf } from "./series.ts";

/** What kept the nodes from being up sooner. */
export interface Bound {
  readonly by: "server" | "load" | "link" | "nodes" | "disk";
  readonly why: string;
}

/** What is used so much has nothing left worth speaking of. */
const FULL = 0.9;

/**
 * Looked at where half of what was done was done: neither the start, when nodes wait for themselves, nor the end, when
 * few are left. First the load: where it is the limit, nothing can be said of the servers.
 */
export function boundBy(result: StormResult): Bound {
  const busy = busyPart(result);
  return (
    boundByLink(result, busy) ??
    boundByLoad(result, busy) ??
    boundByServer(result, busy) ??
    boundByWaiting(result)
  );
}

/** How busy everything was then: means over its time. */
interface Busy {
  readonly bitsPerSecond: number;
  readonly load: number;
  readonly loadCpu: number;
  readonly serverCpu: number | undefined;
  readonly machineCpu: number;
}

function boundByLink(result: StormResult, busy: Busy): Bound | undefined {
  const most = linkPayload(result);
  if (most === undefined || busy.bitsPerSecond < FULL * most) return undefined;
  const share = percentText(Math.min(1, busy.bitsPerSecond / most));
  return { by: "link", why: `the link carried ${share} of the payload that it can` };
}

function boundByLoad({ machine, options }: StormResult, busy: Busy): Bound | undefined {
  const server = busy.serverCpu ?? 0;
  const isMachineFull = busy.machineCpu >= FULL * machine.cpus;
  if (busy.load >= FULL)
    return {
      by: "load",
      why: `a load worker was busy for ${percentText(busy.load)} of the time: real nodes would ask faster${
        options.workers < machine.cpus ? "; --workers gives it more threads" : ""
      }`,
    };
  if (!isMachineFull) return undefined;
  const others = busy.machineCpu - server - busy.loadCpu;
  // Servers that cannot be looked at are others, too.
  if (busy.serverCpu !== undefined && others > machine.cpus / 3)
    return {
      by: "load",
      why: `all ${machine.cpus} processors were busy, ${others.toFixed(1)} of them with other programs: measure again when this machine is quiet`,
    };
  if (server >= busy.loadCpu) return undefined;
  return {
    by: "load",
    why: `all ${machine.cpus} processors were busy, ${busy.loadCpu.toFixed(1)} with the load and ${server.toFixed(1)} with the servers: real nodes bring their own`,
  };
}

function boundByServer({ machine }: StormResult, busy: Busy): Bound | undefined {
  if (busy.serverCpu === undefined) return undefined;
  const cores = busy.serverCpu.toFixed(1);
  if (busy.machineCpu >= FULL * machine.cpus)
    return {
      by: "server",
      why: `all ${machine.cpus} processors were busy, ${cores} with the servers and ${busy.loadCpu.toFixed(1)} with the load`,
    };
  if (busy.serverCpu < FULL) return undefined;
  return {
    by: "server",
    why: `the servers kept ${cores} of ${machine.cpus} processors busy: what they do in one thread had no more`,
  };
}

/** Nothing was full: somebody waited, the nodes for themselves or the servers for what they read. */
function boundByWaiting(result: StormResult): Bound {
  const boot = quantile(bootSeconds(result), 0.5);
  const waited = waitedSeconds(result) / Math.max(1, result.options.nodes);
  if (Number.isNaN(boot)) return { by: "nodes", why: "no node came up" };
  const text = `a node waited ${secondsText(waited)} for answers of the ${secondsText(boot)} that it took`;
  if (waited > boot / 2)
    return {
      by: "disk",
      why: `${text}, and neither processors nor a link were full: the servers waited themselves`,
    };
  return {
    by: "nodes",
    why: `${text}; the rest is its own time (--think ${result.options.think})`,
  };
}

/** Of all nodes; more than its time where a node had several calls outstanding. */
function waitedSeconds(result: StormResult): number {
  return Object.values(result.protocols).reduce(
    (total, { waited, calls, latency }) => total + (waited ?? (calls * latency.p50) / 1000),
    0,
  );
}

/** Samples from the first to the last between a quarter and three quarters of the work. */
function busyPart(result: StormResult): Busy {
  const calls = callsOf(result);
  const received = receivedOf(result);
  let done = 0;
  let before = 0;
  const within = result.series.flatMap((sample) => {
    const seconds = Math.max(0, sample.at - before);
    before = sample.at;
    const start = done;
    done +=
      totalOf(sample.calls) / Math.max(1, calls) / 2 +
      totalOf(sample.received) / Math.max(1, received) / 2;
    return done > 0.25 && start < 0.75 ? [{ sample, seconds }] : [];
  });
  const span = within.reduce((total, { seconds }) => total + seconds, 0) || 1;
  const mean = (value: (sample: (typeof within)[number]["sample"]) => number): number =>
    within.reduce((total, { sample, seconds }) => total + value(sample) * seconds, 0) / span;
  const bytes = within.reduce((total, { sample }) => total + totalOf(sample.received), 0);
  const isServerSeen = within.some(({ sample }) => sample.serverCpu !== undefined);
  return {
    bitsPerSecond: (bytes * 8) / span,
    load: mean((sample) => sample.loadBusy),
    loadCpu: mean((sample) => sample.loadCpu),
    serverCpu: isServerSeen ? mean((sample) => sample.serverCpu ?? 0) : undefined,
    machineCpu: mean((sample) => sample.machineCpu),
  };
}
