import type { Cidr, Ipv4 } from "../bytes/ipv4.ts";
import type { Clock } from "../net/clock.ts";
import type { Arrival } from "./arrival.ts";
import type { Sample, StormResult, StormStage } from "./result.ts";
import type { StormServers } from "./servers.ts";
import type { TreeEntry } from "./trace/mapping.ts";
import type { Trace } from "./trace/trace.ts";

/** What is to happen. */
export interface StormOptions {
  readonly trace: Trace;
  /** Of the report. */
  readonly title: string;
  readonly nodes: number;
  readonly arrival: Arrival;
  /** What the node's own times are multiplied with: 1 as recorded, 0 as fast as answers come. */
  readonly think: number;
  readonly seed: number;
  readonly workers: number;
  readonly servers: StormServers;
  /** What is served; undefined: the files of the trace, as recorded. */
  readonly tree: readonly TreeEntry[] | undefined;
  /** Where that is on this machine, for what came by NFS to be compared with it. */
  readonly directory?: string | undefined;
  /** Nodes may bind these; undefined: they share the host's address. */
  readonly addresses: Cidr | undefined;
  /** Ours, to which DHCP servers answer; defined where DHCP is not left out. */
  readonly relay: Ipv4 | undefined;
  /** A node gives up when nothing answered it for so long. */
  readonly patienceMs: number;
  /** Stages whose steps are left out. */
  readonly skip: readonly StormStage[];
  /** What the network is said to be, for the report. */
  readonly link: StormResult["options"]["link"];
}

/** What is done to servers or network while the storm runs. */
export interface Incident {
  /** Seconds after the storm began. */
  readonly at: number;
  /** `server killed` */
  readonly what: string;
  readonly run: () => Promise<void>;
}

export interface StormDeps {
  readonly clock: Clock;
  /** Four times a second. */
  readonly progress: (sample: Sample) => void;
  /** Ends the storm: nodes that are not up have failed. */
  readonly signal: AbortSignal;
  readonly incidents: readonly Incident[];
  /** Processes of the servers whose CPU and memory can be looked at; a server that was started again has another. */
  readonly serverPids: (() => readonly number[]) | undefined;
  /** What the relay's socket could not do. */
  readonly report: (what: string, error: unknown) => void;
  /** Of sidus. */
  readonly version: string;
}

/** What nodes find: that, or what the trace's node found. */
export function servedEntries({ trace, tree }: StormOptions): readonly TreeEntry[] {
  return tree ?? trace.files.filter(({ type }) => type !== "missing");
}
