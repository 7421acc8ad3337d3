import type { SeenPart } from "./expectations.ts";
import type { StormOptions } from "./options.ts";
import type { NodeResult } from "./result.ts";
import type { Counted } from "./tally.ts";
import type { ServedPlaces } from "./trace/mapping.ts";

/** What crosses between the main thread and those of the nodes: values only. */

export interface WorkerStart {
  /** The tree may have a million entries: of it a thread is told what stands for the trace's files. */
  readonly options: Omit<StormOptions, "tree" | "directory">;
  readonly files: ServedPlaces;
  /** What that says is so: it was not taken for granted that all is as recorded. */
  readonly isTreeKnown: boolean;
  /** Of which thread, for chance that is its own. */
  readonly thread: number;
  /** Its nodes, and when each is switched on: seconds after the beginning. */
  readonly nodes: readonly { readonly index: number; readonly at: number }[];
  readonly counts: SharedArrayBuffer;
  readonly places: SharedArrayBuffer;
}

export type ToWorker =
  /** Now is the beginning. */
  | { readonly kind: "begin" }
  /** What came to the relay for one of its nodes. */
  | { readonly kind: "dhcp"; readonly index: number; readonly datagram: Uint8Array }
  /** Nodes that are not up have failed, and this is why. */
  | { readonly kind: "stop"; readonly failure: string };

export type FromWorker =
  | { readonly kind: "ready" }
  /** To the relay. */
  | { readonly kind: "dhcp"; readonly datagram: Uint8Array }
  /** All its nodes are up or have failed, and it is over. */
  | WorkerEnded;

export interface WorkerEnded {
  readonly kind: "ended";
  /** Seconds after the beginning. */
  readonly at: number;
  readonly nodes: readonly NodeResult[];
  readonly counted: Counted;
  /** What its nodes got, to be compared with what others' got. */
  readonly seen: readonly SeenPart[];
}
