import type { Cidr } from "../bytes/ipv4.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { MountChange } from "../nfs/mounts.ts";
import type { Squash } from "../nfs/squash.ts";
import type { VersionUse } from "../nfs/uses.ts";
import type { BootEvent } from "../watch/events.ts";
import type { TreeSource } from "./trees.ts";

/** What crosses between the main thread and the data plane's: values only. */

/** An export, before its tree is opened: each thread opens its own, over the one cache. */
export interface ExportSpec {
  readonly name: string;
  readonly path: string;
  readonly clients: readonly Cidr[];
  readonly squash: Squash;
  readonly source: TreeSource;
}

/** What a thread begins with. */
export interface WorkerStart {
  readonly local: Endpoint;
  readonly cache: SharedArrayBuffer;
  readonly parents: SharedArrayBuffer;
  readonly exports: readonly ExportSpec[];
}

export type ToWorker =
  | { readonly kind: "exports"; readonly serial: number; readonly exports: readonly ExportSpec[] }
  | { readonly kind: "mounts"; readonly change: MountChange }
  | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "listening" }
  /** What it was told to do cannot be done; `serial` undefined: it could not begin. */
  | { readonly kind: "failed"; readonly serial: number | undefined; readonly problem: Problem }
  | { readonly kind: "taken"; readonly serial: number }
  | { readonly kind: "told"; readonly events: readonly BootEvent[] }
  | { readonly kind: "mounts"; readonly change: MountChange }
  | { readonly kind: "used"; readonly uses: readonly VersionUse[] }
  | { readonly kind: "report"; readonly what: string; readonly error: unknown };

/** An error without its class, which does not cross. */
export interface Problem {
  readonly message: string;
  /** Defined for a UserError. */
  readonly exitCode: 1 | 2 | undefined;
}
