import { arch, cpus, release, totalmem, type } from "node:os";
import process from "node:process";
import { STORM_EXAMPLES_MAX } from "../limits.ts";
import { formatEndpoint } from "../net/endpoint.ts";
import { formatArrival } from "./arrival.ts";
import { compareWithTree, SeenContent } from "./expectations.ts";
import { percentilesOf } from "./histogram.ts";
import type { StormOptions } from "./options.ts";
import { type NodeResult, type StormResult, stormStages } from "./result.ts";
import type { StormServers } from "./servers.ts";
import { protocolResults, type SharedCounts } from "./tally.ts";
import type { Watch } from "./watch.ts";
import type { WorkerEnded } from "./worker-messages.ts";

export interface Found extends Pick<StormResult, "begunAt" | "files" | "series" | "incidents"> {
  readonly notReached: NonNullable<StormResult["notReached"]>;
  readonly ended: readonly WorkerEnded[];
  readonly counts: readonly SharedCounts[];
  readonly watch: Watch;
  /** Of sidus. */
  readonly version: string;
}

/** What all threads found, as one. */
export async function resultOf(options: StormOptions, found: Found): Promise<StormResult> {
  const { ended, counts, watch, begunAt, files, series, incidents, notReached } = found;
  const { title } = options;
  const nodes = ended
    .flatMap((thread) => thread.nodes)
    .sort((a, b) => a.name.localeCompare(b.name));
  const failed = nodes.filter(({ failure }) => failure !== undefined).length;
  const startedAt = Math.min(...nodes.map((node) => node.startedAt));
  const { server, load } = watch.used();
  return {
    sidus: "storm",
    version: 1,
    begunAt,
    title,
    machine: machineOf(found.version),
    options: optionsOf(options),
    seconds: Math.max(...ended.map(({ at }) => at)) - startedAt,
    up: nodes.length - failed,
    failed,
    nodes,
    stages: stagesOf(nodes),
    protocols: protocolResults(
      counts,
      ended.map(({ counted }) => counted),
    ),
    series,
    ...(server === undefined ? {} : { server }),
    load: { ...load, busyMax: watch.busyMax },
    verified: await verifiedOf(ended, options.directory),
    files,
    incidents,
    ...(notReached.length === 0 ? {} : { notReached }),
  };
}

function machineOf(sidus: string): StormResult["machine"] {
  const processors = cpus();
  return {
    cpus: processors.length,
    processor: processors[0]?.model ?? arch(),
    memory: totalmem(),
    kernel: `${type()} ${release()}`,
    node: process.version,
    sidus,
  };
}

function optionsOf(options: StormOptions): StormResult["options"] {
  const { nodes, arrival, trace, think, seed, workers, servers, link } = options;
  return {
    nodes,
    arrival: formatArrival(arrival),
    trace: trace.about.title,
    think,
    seed,
    workers,
    servers: serversOf(servers),
    ...(link === undefined ? {} : { link }),
  };
}

function serversOf({ dhcp, tftp, http, nfs, iscsi }: StormServers): Record<string, string> {
  const port = nfs?.portmap ?? nfs?.nfs;
  const mounted = nfs === undefined || port === undefined ? undefined : { ...nfs, port };
  const endpoints = { dhcp, tftp, http, nfs: mounted, iscsi: iscsi?.local };
  return Object.fromEntries(
    Object.entries(endpoints).map(([protocol, endpoint]) => [
      protocol,
      endpoint === undefined ? "left out" : formatEndpoint(endpoint),
    ]),
  );
}

function stagesOf(nodes: readonly NodeResult[]): StormResult["stages"] {
  const times = stormStages.map((stage) => {
    const reached = nodes.flatMap(({ startedAt, reached }) => {
      const at = reached[stage];
      return at === undefined ? [] : [at - startedAt];
    });
    return [stage, percentilesOf(reached)] as const;
  });
  return Object.fromEntries(times.filter(([, { count }]) => count > 0));
}

/** Each thread compared what its own nodes got; here the threads are compared, and what all got with the tree. */
export async function verifiedOf(
  ended: readonly Pick<WorkerEnded, "seen" | "counted">[],
  directory: string | undefined,
): Promise<StormResult["verified"]> {
  const all = new SeenContent();
  const between = ended.flatMap(({ seen }) => all.merge(seen));
  const beside =
    directory === undefined
      ? { bytes: 0, differences: [] }
      : await compareWithTree(all.entries(), directory);
  const each = ended.map(({ counted }) => counted.verified);
  // The first of a kind was compared with nothing else.
  const first = all.entries().reduce((sum, [, , length]) => sum + length, 0);
  return {
    bytes: each.reduce((sum, { bytes }) => sum + bytes, beside.bytes - first),
    differences: each.reduce(
      (sum, { differences }) => sum + differences,
      between.length + beside.differences.length,
    ),
    examples: [
      ...each.flatMap(({ examples }) => examples),
      ...between.map((key) => `not the same for all: ${key}`),
      ...beside.differences.map((path) => `not as in the tree: ${path}`),
    ].slice(0, STORM_EXAMPLES_MAX),
  };
}
