import type { Status } from "./status.ts";

/** One side of an I_T nexus: an initiator's port, for as long as its session lasts. */
export interface Nexus {
  /** SPC-4 §7.6.4.6: the iSCSI initiator port, `iqn.…,i,0x00023d000001`: what reservations are held by. */
  readonly initiatorPort: string;
}

export interface Command {
  readonly nexus: Nexus;
  /** As many bytes as the initiator sent, 16 at least. */
  readonly cdb: Uint8Array;
  readonly lun: number;
  readonly attribute: TaskAttribute;
  /** What the initiator sent for it, in order; good until the result is there. */
  readonly dataOut: readonly Uint8Array[];
  readonly dataOutBytes: number;
  /** Of what it answers, so much goes to the initiator at most. */
  readonly dataInRoom: number;
}

/** SAM-5 §8.9 */
export type TaskAttribute = "simple" | "ordered" | "head-of-queue" | "aca";

export interface Result {
  readonly status: Status;
  /** Fixed or descriptor format (SPC-4 §4.5); undefined where there is none. */
  readonly sense: Uint8Array | undefined;
  /** What goes to the initiator, cut to the allocation length of the CDB; views that are good until `release`. */
  readonly dataIn: readonly Uint8Array[];
  /** As the CDB says; `dataIn` may be less where the initiator has no room for it. */
  readonly dataInBytes: number;
  /** Bytes that the CDB takes from the initiator, whatever came: for the residual count. */
  readonly dataOutWanted: number;
  /** To be called once, when the data left or never will. */
  readonly release: (() => void) | undefined;
}
