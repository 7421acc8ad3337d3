import type { Cidr, Ipv4 } from "../bytes/ipv4.ts";
import type { ChapSettings } from "../iscsi/target.ts";
import type { Endpoint } from "../net/endpoint.ts";
import type { Traffic } from "../net/traffic.ts";
import type { MountChange } from "../nfs/mounts.ts";
import type { Squash } from "../nfs/squash.ts";
import type { VersionUse } from "../nfs/uses.ts";
import type { BootEvent, Protocol } from "../watch/events.ts";
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

/** What a thread that serves NFS begins with. */
export interface NfsStart {
  readonly kind: "nfs";
  readonly local: Endpoint;
  readonly cache: SharedArrayBuffer;
  readonly parents: SharedArrayBuffer;
  readonly exports: readonly ExportSpec[];
}

/** What the thread that serves iSCSI begins with. */
export interface IscsiStart {
  readonly kind: "iscsi";
  readonly local: Endpoint;
  /** Targets are this, a colon, and the name of their volume. */
  readonly iqn: string;
  /** Directory of the volumes. */
  readonly volumes: string;
}

/** A volume that an initiator may have. */
export interface VolumeGrant {
  readonly volume: string;
  /** Whose it is, whatever address that has: two nodes are never let to one volume. */
  readonly node: string;
  /** What it is made with, if it is not there yet. */
  readonly bytes: number;
  readonly chap: ChapSettings | undefined;
}

/** What a thread is told to do, and says that it has done. */
export type Ask = { readonly kind: "exports"; readonly exports: readonly ExportSpec[] };

export type ToWorker =
  | (Ask & { readonly serial: number })
  | { readonly kind: "mounts"; readonly change: MountChange }
  | { readonly kind: "granted"; readonly ticket: number; readonly grants: readonly VolumeGrant[] }
  | { readonly kind: "stop" };

export type FromWorker =
  | { readonly kind: "listening" }
  /** What it was told to do cannot be done; `serial` undefined: it could not begin. */
  | { readonly kind: "failed"; readonly serial: number | undefined; readonly problem: Problem }
  | { readonly kind: "taken"; readonly serial: number }
  | { readonly kind: "told"; readonly events: readonly BootEvent[] }
  | { readonly kind: "mounts"; readonly change: MountChange }
  | { readonly kind: "used"; readonly uses: readonly VersionUse[] }
  /** Addresses that have connections, now. */
  | { readonly kind: "present"; readonly addresses: readonly Ipv4[] }
  /** What was moved since this was last said. */
  | { readonly kind: "traffic"; readonly protocol: Protocol; readonly traffic: Traffic }
  /** Which volumes may this address have? */
  | { readonly kind: "grants"; readonly ticket: number; readonly address: Ipv4 }
  | { readonly kind: "warned"; readonly text: string }
  | { readonly kind: "report"; readonly what: string; readonly error: unknown };

/** An error without its class, which does not cross. */
export interface Problem {
  readonly message: string;
  /** Defined for a UserError. */
  readonly exitCode: 1 | 2 | undefined;
}
