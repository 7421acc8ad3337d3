import type { Cidr, Ipv4 } from "../../bytes/ipv4.ts";
import type { Clock } from "../../net/clock.ts";
import type { Expectations } from "../client.ts";
import type { StormStage } from "../result.ts";
import type { StormServers } from "../servers.ts";
import type { ThreadTally } from "../tally.ts";
import type { Mapping } from "../trace/mapping.ts";
import type { Trace } from "../trace/trace.ts";
import type { Agenda } from "./agenda.ts";
import type { Order } from "./schedule.ts";

/** What all nodes of a thread share. */
export interface NodeSetting {
  readonly clock: Clock;
  readonly agenda: Agenda;
  readonly random: () => number;
  readonly trace: Trace;
  readonly order: Order;
  readonly mapping: Mapping;
  /** What it says of names and sizes is so: it was not taken for granted that they are as recorded. */
  readonly isTreeKnown: boolean;
  /** What the node's own times are multiplied with. */
  readonly think: number;
  readonly seed: number;
  readonly servers: StormServers;
  readonly skip: ReadonlySet<StormStage>;
  /** Nodes may bind these. */
  readonly addresses: Cidr | undefined;
  readonly relay: Ipv4 | undefined;
  readonly patienceMs: number;
  readonly tally: ThreadTally;
  readonly expectations: Expectations;
  /** To the relay. */
  readonly sendDhcp: (datagram: Uint8Array) => void;
}
