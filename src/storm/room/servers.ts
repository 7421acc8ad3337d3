import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { broadcastOf, formatIpv4, formatIpv4Range, ipv4 } from "../../bytes/ipv4.ts";
import { formatMac } from "../../bytes/mac.ts";
import { STORM_SERVER_ASKED_EVERY_MS, STORM_SERVER_READY_MS } from "../../limits.ts";
import { after, type Clock } from "../../net/clock.ts";
import { UserError } from "../../user-error.ts";
import type { SimulatedIdentity } from "../client.ts";
import type { StormServers } from "../servers.ts";
import type { Trace } from "../trace/trace.ts";
import type { RoomNetwork } from "./network.ts";

export interface OwnServerOptions {
  readonly network: Pick<RoomNetwork, "server" | "interfaceName" | "nodes" | "enter">;
  /** What sidus is started with, as far as its name: Node, its options, the program. */
  readonly program: readonly [string, ...string[]];
  /** For configuration, state, volumes and log; whoever made it removes it. */
  readonly work: string;
  /** What nodes boot: a tree, or the current version of an image in a directory of images. */
  readonly source: { readonly tree: string } | { readonly images: string; readonly image: string };
  readonly layer: Trace["about"]["layer"];
  /** Whom it knows: iPXE of another is asked first who it is. */
  readonly nodes: readonly Pick<SimulatedIdentity, "name" | "mac">[];
  /** `8G`, as sidus.yaml has it; undefined: the server's own default. */
  readonly volumeSize: string | undefined;
  readonly clock: Clock;
}

/** `sidus serve` in a process of its own, so that its CPU can be told from the load's. It ends with this process. */
export interface OwnServer extends AsyncDisposable {
  /** Of the one that runs; none between `kill` and `start`. */
  readonly pids: () => readonly number[];
  readonly servers: StormServers;
  /** Resolves with what it said last when it ended without being asked to. */
  readonly ended: Promise<string>;
  /** At once, as a power cut does: nobody is told. */
  kill(): Promise<void>;
  /** With the same configuration, and what was left of leases and volumes. @throws UserError where it does not serve. */
  start(): Promise<void>;
}

const ports = { dhcp: 67, tftp: 69, http: 80, nfs: 2049, portmap: 111, iscsi: 3260 } as const;
const EXPORT = "storm";
const IQN = "iqn.2013-04.zone.sidus";

/** @throws UserError where it does not serve. */
export async function startOwnServer(options: OwnServerOptions): Promise<OwnServer> {
  const { work } = options;
  const config = join(work, "sidus.yaml");
  writeFileSync(config, stringify(configurationOf(options)));
  const ended = Promise.withResolvers<string>();
  let child: ChildProcess | undefined;
  const start = async (): Promise<void> => {
    if (child !== undefined) throw new Error("the server runs already");
    const started = spawnServer(options, config);
    child = started;
    started.once("exit", () => {
      if (child === started) ended.resolve(lastWords(work));
    });
    await ready(started, options);
  };
  const kill = async (): Promise<void> => {
    const running = child;
    child = undefined;
    if (running !== undefined) await end(running, "SIGKILL");
  };
  try {
    await start();
  } catch (error) {
    await kill();
    throw error;
  }
  return {
    pids: () => (child?.pid === undefined ? [] : [child.pid]),
    servers: serversOf(options.network),
    ended: ended.promise,
    kill,
    start,
    [Symbol.asyncDispose]: kill,
  };
}

function configurationOf(options: OwnServerOptions): object {
  const { network, work, source, layer, volumeSize } = options;
  const { nodes } = network;
  const range = { first: ipv4(nodes.network + 1), last: ipv4(broadcastOf(nodes) - 1) };
  const served = "tree" in source ? { source: source.tree } : { image: source.image };
  const size = volumeSize === undefined ? {} : { size: volumeSize };
  return {
    interface: network.interfaceName,
    address: formatIpv4(network.server),
    state: join(work, "state"),
    ...("images" in source ? { images: source.images } : {}),
    ports,
    dhcp: { range: formatIpv4Range(range), lease: "12h" },
    iscsi: { volumes: join(work, "volumes"), iqn: `${IQN}.target`, ...size },
    exports: { [EXPORT]: served },
    boot: { default: layer, labels: { [layer]: { layer } } },
    nodes: options.nodes.map(({ name, mac }) => ({ name, mac: formatMac(mac) })),
    log: { level: "warn" },
  };
}

function serversOf({ server: address }: OwnServerOptions["network"]): StormServers {
  const at = (port: number) => ({ address, port });
  return {
    dhcp: at(ports.dhcp),
    tftp: at(ports.tftp),
    http: at(ports.http),
    // Where NFS and MOUNT are, portmap or the boot configuration says; the names are for nodes that read none.
    nfs: {
      address,
      portmap: ports.portmap,
      nfs: undefined,
      mount: undefined,
      path: `/srv/nfsroot/${EXPORT}`,
    },
    iscsi: {
      local: at(ports.iscsi),
      target: `${IQN}.target:{ip}`,
      initiator: `${IQN}.initiator:{ip}`,
    },
  };
}

function spawnServer({ network, program, work }: OwnServerOptions, config: string): ChildProcess {
  const readyFile = readyFileIn(work);
  rmSync(readyFile, { force: true });
  const log = openSync(logFileIn(work), "w");
  try {
    const serve = ["serve", "--config", config, "--ready-file", readyFile];
    const command = [...network.enter, ...program, ...serve];
    return spawn("setpriv", ["--pdeathsig", "KILL", "--", ...command], {
      // Ctrl-C at the terminal is for the storm, which ends it in turn.
      detached: true,
      stdio: ["ignore", log, log],
    });
  } finally {
    closeSync(log);
  }
}

/** Its process exists until it is disposed of, or ends. @throws UserError */
async function ready(child: ChildProcess, { work, clock }: OwnServerOptions): Promise<void> {
  let failure: unknown;
  child.once("error", (error) => {
    failure = error;
  });
  const deadline = after(clock.now(), STORM_SERVER_READY_MS);
  while (!existsSync(readyFileIn(work))) {
    const isEnded = child.exitCode !== null || child.signalCode !== null;
    if (failure !== undefined || isEnded) {
      const why = failure === undefined ? lastWords(work) : String(failure);
      throw new UserError(`the storm's own server ended before it served: ${why}`, {
        exitCode: 1,
        cause: failure,
      });
    }
    if (clock.now() > deadline) {
      const seconds = STORM_SERVER_READY_MS / 1000;
      throw new UserError(`the storm's own server did not serve within ${seconds} s`, {
        exitCode: 1,
      });
    }
    await pause(clock, STORM_SERVER_ASKED_EVERY_MS);
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  clock.alarm(resolve).set(after(clock.now(), ms));
  return promise;
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

function readyFileIn(work: string): string {
  return join(work, "ready");
}

function logFileIn(work: string): string {
  return join(work, "server.log");
}

/** The last line of its log that tells of an error, or the last one. */
function lastWords(work: string): string {
  const lines = readFileSync(logFileIn(work), "utf8").trim().split("\n");
  const told = lines.findLast((line) => /error|^sidus:/i.test(line)) ?? lines.at(-1);
  return told?.slice(0, 500) || "it said nothing";
}
