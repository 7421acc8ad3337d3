import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { loaderPath } from "../../boot/loader-files.ts";
import { isRootOfMachine, runAsNamespaceRoot } from "../../image/namespace/user-namespace.ts";
import { systemClock } from "../../net/clock.ts";
import { identityOf } from "../../storm/identity.ts";
import { explore } from "../../storm/nfs/explore.ts";
import type { Incident, StormDeps, StormOptions } from "../../storm/options.ts";
import { isWell } from "../../storm/report/figures.ts";
import { renderHtml } from "../../storm/report/html.ts";
import { project } from "../../storm/report/project.ts";
import { renderSummary } from "../../storm/report/summary.ts";
import type { StormResult } from "../../storm/result.ts";
import { makeRoomNetwork } from "../../storm/room/network.ts";
import { type OwnServer, startOwnServer } from "../../storm/room/servers.ts";
import { stormTree, useTree } from "../../storm/room/tree.ts";
import type { StormServers } from "../../storm/servers.ts";
import { runStorm } from "../../storm/storm.ts";
import { readTrace } from "../../storm/trace/file.ts";
import { phasesOf } from "../../storm/trace/phases.ts";
import type { Trace } from "../../storm/trace/trace.ts";
import { cacheDirectory } from "../demo/tree.ts";
import { openInterrupt } from "../interrupt.ts";
import { mendable, type Remedies } from "../mendable.ts";
import { inPrivateNetwork, stopSignals } from "../private-network.ts";
import { version } from "../version.ts";
import { refuseAddressesOfOthers, refuseTooMany, withMount } from "./beforehand.ts";
import { entriesOf } from "./entries.ts";
import { openLive } from "./live.ts";
import type { StormPlan } from "./plan.ts";
import { refusedBy } from "./refused.ts";

const remedies: Remedies = {
  ENOENT: "is its folder there?",
  EACCES: "choose a folder that you may write to",
  EISDIR: "expected a file",
  ENOSPC: "make room on that disk",
};

/** Against servers of others here and now; with our own, again in namespaces. */
export async function runPlan(plan: StormPlan): Promise<void> {
  if (plan.foreign !== undefined) {
    using interrupt = openInterrupt();
    process.exitCode = await mendable(remedies, () => againstOthers(plan, interrupt.signal));
    return;
  }
  process.exitCode =
    process.getuid?.() === 0
      ? await inPrivateNetwork(["storm-inside", JSON.stringify(plan)])
      : await runAsNamespaceRoot(process.argv.slice(2));
}

export async function runPlanInside(text: string): Promise<void> {
  const plan: StormPlan = JSON.parse(text);
  const { signal } = stopSignals();
  process.exitCode = await mendable(remedies, () => againstOurOwn(plan, signal));
}

async function againstOthers(plan: StormPlan, signal: AbortSignal): Promise<number> {
  const { foreign } = plan;
  if (foreign === undefined) throw new Error("no servers");
  const trace = await readTrace(plan.traceFile);
  refuseTooMany(trace, plan);
  await refuseAddressesOfOthers(plan);
  const { addresses, relay, pids } = foreign;
  const servers = await withMount(foreign.servers, plan);
  const tree = await treeOfOthers(servers, trace, plan);
  return await storm(
    { ...optionsOf(plan, trace), servers, addresses, relay, tree },
    { signal, incidents: [], serverPids: pids.length === 0 ? undefined : () => pids },
    plan,
  );
}

/** Which files stand for the trace's there. */
async function treeOfOthers(
  { nfs }: StormServers,
  trace: Trace,
  { patienceMs, skip }: StormPlan,
): Promise<StormOptions["tree"]> {
  if (nfs === undefined || skip.includes("root")) return undefined;
  if (nfs.path === undefined) {
    process.stderr.write(
      "sidus: --nfs without --nfs-path: files are asked for under the names that were recorded\n",
    );
    return undefined;
  }
  return await explore({
    server: nfs,
    path: nfs.path,
    from: { address: undefined },
    trace,
    clock: systemClock,
    random: Math.random,
    patienceMs,
  });
}

async function againstOurOwn(plan: StormPlan, signal: AbortSignal): Promise<number> {
  const trace = await readTrace(plan.traceFile);
  refuseTooMany(trace, plan);
  const tree = plan.tree ?? madeTree(trace, plan);
  const work = mkdtempSync(join(tmpdir(), "sidus-storm-"));
  await using opened = new AsyncDisposableStack();
  if (plan.tree === undefined) opened.use(useTree(tree, systemClock));
  opened.defer(() => rmSync(work, { recursive: true, force: true }));
  const network = opened.use(await makeRoomNetwork({ link: plan.link }));
  const server = opened.use(
    await startOwnServer({
      network,
      program: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
      work,
      source: { tree },
      layer: trace.about.layer,
      nodes: Array.from({ length: plan.nodes }, (_, index) => identityOf(index, plan.seed)),
      volumeSize: undefined,
      clock: systemClock,
    }),
  );
  const broken = new AbortController();
  void server.ended.then((why) => {
    process.stderr.write(`sidus: the storm's own server ended: ${why}\n`);
    broken.abort();
  });
  return await storm(
    {
      ...optionsOf(plan, trace),
      servers: server.servers,
      addresses: network.nodes,
      relay: network.relay,
      tree: plan.tree === undefined ? undefined : entriesOf(plan.tree),
      directory: tree,
    },
    {
      signal: AbortSignal.any([signal, broken.signal]),
      incidents: incidentsOf(plan, server),
      serverPids: server.pids,
    },
    plan,
  );
}

function madeTree(trace: Trace, { seed }: StormPlan): string {
  // Root's own of the machine has other owners and rights than that of a user's namespace.
  const cache = join(cacheDirectory(), isRootOfMachine() ? "storm" : "storm-unprivileged");
  return stormTree({ trace, seed, cache, loaderPath, clock: systemClock });
}

function incidentsOf({ killed }: StormPlan, server: OwnServer): Incident[] {
  if (killed === undefined) return [];
  return [
    { at: killed.at, what: "the server was killed", run: () => server.kill() },
    {
      at: killed.at + killed.forSeconds,
      what: "the server was started again",
      run: () => server.start(),
    },
  ];
}

type Wide = Omit<StormOptions, "servers" | "addresses" | "relay" | "tree">;

function optionsOf(plan: StormPlan, trace: Trace): Wide {
  const { nodes, arrival, think, seed, workers, patienceMs, skip, link } = plan;
  return {
    trace,
    title: plan.title ?? `${nodes} nodes: ${trace.about.title}`,
    nodes,
    arrival,
    think,
    seed,
    workers: Math.min(workers, nodes),
    patienceMs,
    skip,
    link: link === undefined ? undefined : definedOf(link),
  };
}

/** As a result has it. */
function definedOf(link: NonNullable<StormPlan["link"]>): NonNullable<StormOptions["link"]> {
  const { bitsPerSecond, latencyMs, loss } = link;
  return {
    ...(bitsPerSecond === undefined ? {} : { bitsPerSecond }),
    ...(latencyMs === undefined ? {} : { latencyMs }),
    ...(loss === undefined ? {} : { loss }),
  };
}

/** Answers the exit status. */
async function storm(
  options: StormOptions,
  deps: Pick<StormDeps, "signal" | "incidents" | "serverPids">,
  plan: StormPlan,
): Promise<number> {
  const result = await measured(options, deps);
  const projections = plan.projections.flatMap((wanted) => {
    const projection = project(result, wanted);
    if (projection !== undefined) return [projection];
    process.stderr.write(
      "sidus: --project: no node came up, or the servers' processors are not known (--server-pid)\n",
    );
    return [];
  });
  if (plan.json === "-") process.stdout.write(`${JSON.stringify(result)}\n`);
  else process.stdout.write(renderSummary(result, process.stdout.columns ?? 80, projections));
  if (plan.json !== undefined && plan.json !== "-")
    await writeFile(plan.json, `${JSON.stringify(result)}\n`);
  if (plan.output !== undefined) {
    await writeFile(plan.output, renderHtml(result, projections));
    process.stderr.write(`${plan.output}: the report\n`);
  }
  return isWell(result) ? 0 : 1;
}

async function measured(
  options: StormOptions,
  deps: Pick<StormDeps, "signal" | "incidents" | "serverPids">,
): Promise<StormResult> {
  using live = openLive(process.stderr, { nodes: options.nodes, title: options.title });
  const result = await runStorm(options, {
    ...deps,
    clock: systemClock,
    progress: live.show,
    report: (what, error) => live.say(`${what}: ${String(error)}`),
    version,
  });
  const refused = await refusedBy(options.servers.http);
  return {
    ...result,
    phases: phasesOf(options.trace, options.think),
    ...(refused === undefined ? {} : { refused }),
  };
}
