import type { Volume } from "../volume/volume.ts";
import type { Attentions } from "./attentions.ts";
import type { Buffers } from "./buffers.ts";
import type { ModePages } from "./mode-pages.ts";
import type { Reservations } from "./reservations.ts";

/** What the commands of one disk share. */
export interface Unit {
  readonly volume: Volume;
  readonly buffers: Buffers;
  readonly identity: DiskIdentity;
  readonly attentions: Attentions;
  readonly reservations: Reservations;
  readonly modes: ModePages;
  readonly state: { isStopped: boolean };
}

export interface DiskIdentity {
  /** The target's, `iqn.…`: VPD page 83h. */
  readonly name: string;
  /** VPD page 80h: printable ASCII. */
  readonly serial: string;
}
