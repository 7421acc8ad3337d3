import type { Ipv4 } from "../bytes/ipv4.ts";
import type { Disk } from "../scsi/disk.ts";

/** Who asks: its name is what it claims until CHAP, where that is demanded, proved it. */
export interface Initiator {
  /** `iqn.…`, `eui.…` or `naa.…` (RFC 7143 §4.2.7). */
  readonly name: string;
  readonly address: Ipv4;
}

/** RFC 7143 §4.2.7: what an initiator logs in to; the same object for all of its sessions. */
export interface Target {
  readonly name: string;
  /** Its logical unit 0. */
  readonly disk: Disk;
}

export interface Targets {
  /** Names of the targets that a discovery from there may see. */
  list(initiator: Initiator): readonly string[] | Promise<readonly string[]>;
  /** For a login. */
  find(name: string, initiator: Initiator): Promise<FoundTarget | LoginRefusal>;
}

/** What an initiator may log in to. */
export interface FoundTarget {
  /** What it must prove before; undefined: nothing. */
  readonly chap: ChapSettings | undefined;
  /** When it has; who opened it closes it. */
  open(): Promise<OpenTarget | LoginRefusal>;
}

/** Disposed when its session ended. */
export interface OpenTarget extends AsyncDisposable {
  readonly target: Target;
}

/** Statuses 0203h, 0202h and 0301h of RFC 7143 §11.13.5. */
export type LoginRefusal = "not-found" | "forbidden" | "unavailable";

/** RFC 7143 §12.1.3: names and secrets as they are written; each character of them is one byte of UTF-8 or more. */
export interface ChapSettings {
  readonly user: string;
  readonly secret: string;
  /** What the target answers with, where the initiator demands that it proves itself too. */
  readonly mutual: { readonly user: string; readonly secret: string } | undefined;
}
