import type { Command, Result } from "./command.ts";
import type { Unit } from "./unit.ts";

/** One command of the set that a disk knows: its families list them, disk.ts looks them up. */
export interface Operation {
  readonly name: string;
  readonly opcode: number;
  /** Where an opcode has several commands: bits 0-4 of byte 1. */
  readonly serviceAction: number | undefined;
  /** SPC-4 §6.35.3 CDB usage data: which bits of the CDB are read; as long as the CDB. Bytes 0 and 1 as RSOC wants them. */
  readonly usage: readonly number[];
  /** Bytes that it takes from the initiator, by what its CDB says. */
  readonly dataOutWanted: (cdb: Uint8Array, unit: Unit) => number;
  /** Runs while others do not: what it reads and writes must not change between. */
  readonly isExclusive: boolean;
  /** What it does to the medium, or that it is answered even while another nexus holds a reservation. */
  readonly access: Access;
  readonly run: (unit: Unit, command: Command) => Result | Promise<Result>;
}

/**
 * Which reservations keep a nexus from it (SPC-4 table 66, SBC-3 table 13): those that exclude readers, those that
 * exclude writers, each (`manage`: MODE SENSE and SELECT, what does not touch the medium), none, none of either kind
 * (`release`). `identify`: INQUIRY, REPORT LUNS and REQUEST SENSE, which no unit attention stops either.
 */
export type Access = "identify" | "release" | "always" | "read" | "write" | "manage";
