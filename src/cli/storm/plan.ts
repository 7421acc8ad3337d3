import { accessSync, constants, existsSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname, resolve } from "node:path";
import { type Cidr, formatCidr } from "../../bytes/ipv4.ts";
import { STORM_NODES_MAX, STORM_WORKERS_MAX } from "../../limits.ts";
import { type Arrival, parseArrival } from "../../storm/arrival.ts";
import type { Wanted } from "../../storm/report/project.ts";
import { type StormStage, stormStages } from "../../storm/result.ts";
import type { Link } from "../../storm/room/network.ts";
import { shippedTraceFile, shippedTraces } from "../../storm/trace/shipped.ts";
import { UserError } from "../../user-error.ts";
import { type ForeignGiven, type ForeignServers, foreignServers } from "./foreign.ts";
import { factorIn, numberIn, partIn, rateIn, secondsIn } from "./values.ts";

/** As they were written. */
export interface Given extends ForeignGiven {
  readonly nodes: string;
  readonly trace: string;
  readonly arrival: string;
  readonly think: string;
  readonly seed: string;
  readonly patience: string;
  readonly skip?: string;
  readonly workers?: string;
  readonly title?: string;
  readonly tree?: string;
  readonly link?: string;
  readonly latency?: string;
  readonly loss?: string;
  readonly killServer?: string;
  readonly output?: string;
  readonly json?: string;
  readonly project?: readonly string[];
}

/** What is to be done: plain values, which go to another process as JSON. Paths are absolute. */
export interface StormPlan {
  readonly nodes: number;
  readonly traceFile: string;
  readonly arrival: Arrival;
  readonly think: number;
  readonly seed: number;
  readonly workers: number;
  readonly patienceMs: number;
  readonly skip: readonly StormStage[];
  readonly title?: string | undefined;
  /** Undefined: our own. */
  readonly foreign?: ForeignServers | undefined;
  readonly tree?: string | undefined;
  readonly link?: Link | undefined;
  readonly killed?: { readonly at: number; readonly forSeconds: number } | undefined;
  readonly output?: string | undefined;
  readonly json?: string | undefined;
  readonly projections: readonly Wanted[];
}

/** A server that is asked by a whole room at once takes its time. */
const PATIENCE_MIN = { seconds: 1, why: "servers that many ask at once do not answer sooner" };

/** How long a killed server is away. */
const AWAY_SECONDS = 2;

/** @throws UserError that names the option. */
export async function planOf(given: Given): Promise<StormPlan> {
  const foreign = await foreignServers(given);
  const skip = skipped(given.skip ?? "");
  if (foreign !== undefined) {
    refuseOwn(given);
    refuseUntold(given, skip);
  }
  refuseOneFile(given);
  const nodes = numberIn("--nodes", given.nodes, 1, STORM_NODES_MAX);
  if (foreign?.addresses !== undefined) refuseFewAddresses(foreign.addresses, nodes);
  return {
    nodes,
    traceFile: traceFile(given.trace),
    arrival: parseArrival(given.arrival),
    think: factorIn("--think", given.think),
    seed: numberIn("--seed", given.seed, 0, 0xffff_ffff),
    workers:
      given.workers === undefined
        ? Math.min(STORM_WORKERS_MAX, Math.max(1, availableParallelism() - 1))
        : numberIn("--workers", given.workers, 1, STORM_WORKERS_MAX),
    patienceMs: secondsIn("--patience", given.patience, PATIENCE_MIN) * 1000,
    skip,
    title: given.title,
    foreign,
    tree: given.tree === undefined ? undefined : treeIn(given.tree),
    link: linkOf(given),
    killed: given.killServer === undefined ? undefined : killedIn(given.killServer),
    output: given.output === undefined ? undefined : writableIn("--output", given.output),
    json:
      given.json === undefined || given.json === "-"
        ? given.json
        : writableIn("--json", given.json),
    projections: (given.project ?? []).map(wantedIn),
  };
}

function refuseOwn({ tree, link, latency, loss, killServer }: Given): void {
  const own = { "--tree": tree, "--link": link, "--latency": latency, "--loss": loss };
  const [named] =
    Object.entries({ ...own, "--kill-server": killServer }).find(
      ([, value]) => value !== undefined,
    ) ?? [];
  if (named !== undefined)
    throw new UserError(
      `${named} is for the storm's own server: leave it out, or --dhcp, --tftp, --http, --nfs and --iscsi`,
    );
}

/** Nodes that no boot configuration tells what their root and their disk are would all fail. */
function refuseUntold(given: Given, skip: readonly StormStage[]): void {
  const { http, tftp, nfs, nfsPath, iscsi, target } = given;
  const isServed = http !== undefined || tftp !== undefined;
  if (isServed && !skip.includes("loader")) return;
  const why = isServed ? "--skip leaves out the loader" : "neither --http nor --tftp is named";
  const untold = `no boot configuration says it, for ${why}`;
  if (nfs !== undefined && nfsPath === undefined && !skip.includes("root"))
    throw new UserError(`--nfs: what is mounted? Name it with --nfs-path: ${untold}`);
  if (iscsi !== undefined && target === undefined && !skip.includes("volume"))
    throw new UserError(`--iscsi: which target is a node's? Name it with --target: ${untold}`);
}

function refuseOneFile({ json, output }: Given): void {
  if (json === undefined || output === undefined || resolve(json) !== resolve(output)) return;
  throw new UserError(`--json and --output are both ${json}: expected two files`);
}

/** The first and the last of a network are nobody's. */
function refuseFewAddresses(addresses: Cidr, nodes: number): void {
  const room = 2 ** (32 - addresses.prefix) - 2;
  if (room >= nodes) return;
  throw new UserError(
    `--addresses ${formatCidr(addresses)}: has ${Math.max(0, room)} addresses for ${nodes} nodes; expected a larger network, or fewer --nodes`,
  );
}

function traceFile(name: string): string {
  const shipped = shippedTraces.find((candidate) => candidate === name);
  if (shipped !== undefined) return shippedTraceFile(shipped);
  if (existsSync(name)) return resolve(name);
  throw new UserError(
    `--trace ${name}: expected ${shippedTraces.join(", ")} or a file that sidus storm record made`,
  );
}

function treeIn(path: string): string {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return resolve(path);
  throw new UserError(`--tree ${path}: expected a directory with a tree that nodes can boot`);
}

/** Said before the storm: what was measured is not to be lost after it. */
function writableIn(option: string, path: string): string {
  const file = resolve(path);
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory() === true)
    throw new UserError(`${option} ${path}: expected a file, this is a directory`);
  try {
    accessSync(existsSync(file) ? file : dirname(file), constants.W_OK);
  } catch (cause) {
    throw new UserError(
      `${option} ${path}: expected a file in a folder that is there and that you may write to`,
      { cause },
    );
  }
  return file;
}

function skipped(text: string): StormStage[] {
  const stages = text.split(",").flatMap(stageIn);
  if (stormStages.some((stage) => !stages.includes(stage))) return stages;
  throw new UserError(`--skip ${text}: these are all stages: leave out fewer of them`);
}

function stageIn(text: string): StormStage[] {
  if (text.trim() === "") return [];
  const stage = stormStages.find((candidate) => candidate === text.trim());
  if (stage !== undefined) return [stage];
  throw new UserError(`--skip ${text}: expected ${stormStages.join(", ")}, with commas between`);
}

function linkOf({ link, latency, loss }: Given): Link | undefined {
  if (link === undefined && latency === undefined && loss === undefined) return undefined;
  return {
    ...(link === undefined ? {} : { bitsPerSecond: rateIn("--link", link) }),
    ...(latency === undefined ? {} : { latencyMs: secondsIn("--latency", latency) * 1000 }),
    ...(loss === undefined ? {} : { loss: partIn("--loss", loss) }),
  };
}

/** `10s`, `10s,5s` */
function killedIn(text: string): StormPlan["killed"] {
  const [at = "", away = `${AWAY_SECONDS}s`, ...rest] = text.split(",");
  if (rest.length > 0)
    throw new UserError(`--kill-server ${text}: expected a time, or two: 10s or 10s,5s`);
  return { at: secondsIn("--kill-server", at), forSeconds: secondsIn("--kill-server", away) };
}

/** `nodes=500,link=10g,servers=1` */
function wantedIn(text: string): Wanted {
  const wanted: { -readonly [K in keyof Wanted]: Wanted[K] } = {};
  for (const part of text.split(",")) {
    const [name = "", value = ""] = part.split("=");
    const option = `--project ${name}`;
    if (name === "nodes") wanted.nodes = numberIn(option, value, 1, PROJECTED_NODES_MAX);
    else if (name === "link") wanted.bitsPerSecond = rateIn(option, value);
    else if (name === "servers") wanted.servers = numberIn(option, value, 1, PROJECTED_NODES_MAX);
    else
      throw new UserError(
        `--project ${text}: expected nodes=…, link=… and servers=…, as in nodes=500,link=10g,servers=1`,
      );
  }
  return wanted;
}

/** The model takes a millisecond a thousand. */
const PROJECTED_NODES_MAX = 1_000_000;
