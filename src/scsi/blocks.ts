import { SCSI_TRANSFER_BLOCKS_MAX, VOLUME_BLOCK_BYTES } from "../limits.ts";
import { u16, u32, u64 } from "./cdb.ts";
import type { Result } from "./command.ts";
import { check, invalidField } from "./result.ts";
import { Additional, SenseKey } from "./sense.ts";
import type { Unit } from "./unit.ts";

/** Which blocks a CDB is about, in the 6-, 10-, 12- and 16-byte forms that SBC-3 commands share. */
export interface Blocks {
  readonly lba: number;
  readonly count: number;
}

/** Bits of byte 1 of the longer forms. */
export const DPO = 0x10;
export const FUA = 0x08;

/** What the group code of the opcode (SPC-4 §4.2.5.1) says of the form. */
interface Form {
  readonly blocks: (cdb: Uint8Array) => Blocks;
  /** Where the number of blocks is. */
  readonly countAt: number;
  readonly usage: readonly number[];
}

const four = [0xff, 0xff, 0xff, 0xff] as const;

const six: Form = {
  // READ(6) and WRITE(6): 21 bits of address; no blocks are 256.
  blocks: (cdb) => ({ lba: u32(cdb, 0) % 0x20_0000, count: cdb[4] || 256 }),
  countAt: 4,
  usage: [0x1f, 0xff, 0xff, 0xff, 0],
};
const ten: Form = {
  blocks: (cdb) => ({ lba: u32(cdb, 2), count: u16(cdb, 7) }),
  countAt: 7,
  usage: [0, ...four, 0, 0xff, 0xff, 0],
};
const twelve: Form = {
  blocks: (cdb) => ({ lba: u32(cdb, 2), count: u32(cdb, 6) }),
  countAt: 6,
  usage: [0, ...four, ...four, 0, 0],
};
const sixteen: Form = {
  blocks: (cdb) => ({ lba: u64(cdb, 2), count: u32(cdb, 10) }),
  countAt: 10,
  usage: [0, ...four, ...four, ...four, 0, 0],
};
const forms: readonly Form[] = [six, ten, ten, ten, sixteen, twelve];

export function blocksOf(cdb: Uint8Array): Blocks {
  return formOf(cdb[0] ?? 0).blocks(cdb);
}

export function bytesOf(cdb: Uint8Array): number {
  return blocksOf(cdb).count * VOLUME_BLOCK_BYTES;
}

/** Where the CDB has the number of blocks: what is wrong in it points there. */
export function countAt(cdb: Uint8Array): number {
  return formOf(cdb[0] ?? 0).countAt;
}

/** SPC-4 §6.35.3: the address, the number of blocks, and these bits of byte 1. */
export function usageOf(opcode: number, flags: number): readonly number[] {
  const [first = 0, ...rest] = formOf(opcode).usage;
  return [opcode, first | flags, ...rest];
}

export function isForced(cdb: Uint8Array): boolean {
  return (cdb[0] ?? 0) >= 0x20 && ((cdb[1] ?? 0) & FUA) !== 0;
}

export function refusedRead(
  unit: Unit,
  cdb: Uint8Array,
  blocks: Blocks,
  wanted = 0,
): Result | undefined {
  return refused(unit, cdb, blocks, wanted);
}

/** `wanted`: bytes that it takes from the initiator. */
export function refusedWrite(
  unit: Unit,
  cdb: Uint8Array,
  blocks: Blocks,
  wanted: number,
): Result | undefined {
  return refused(unit, cdb, blocks, wanted) ?? protectedMedium(unit, wanted);
}

/** Where the medium must not be written. */
export function protectedMedium(unit: Unit, wanted: number): Result | undefined {
  if (unit.volume.isReadOnly) {
    return check(SenseKey.DATA_PROTECT, ...Additional.WRITE_PROTECTED, { wanted });
  }
  if (!unit.modes.isWriteProtected) return undefined;
  const why = Additional.LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED;
  return check(SenseKey.DATA_PROTECT, ...why, { wanted });
}

/** Not every command bounds the number of blocks as READ and WRITE do. */
export function refused(
  unit: Unit,
  cdb: Uint8Array,
  blocks: Blocks,
  wanted: number,
  countMax = SCSI_TRANSFER_BLOCKS_MAX,
): Result | undefined {
  if (hasProtection(cdb)) return invalidField(wanted, 1, 7);
  return outOfReach(unit, blocks, wanted) ?? tooMany(cdb, blocks, wanted, countMax);
}

/** START STOP UNIT stopped it, or the blocks are not there. None of them may be at the very end. */
export function outOfReach(unit: Unit, blocks: Blocks, wanted: number): Result | undefined {
  if (unit.state.isStopped) {
    const why = Additional.NOT_READY_INITIALIZING_COMMAND_REQUIRED;
    return check(SenseKey.NOT_READY, ...why, { wanted });
  }
  return blocks.lba + blocks.count > capacityOf(unit) ? outOfRange(wanted) : undefined;
}

function outOfRange(wanted: number): Result {
  const why = Additional.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE;
  return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted });
}

/** Blocks that there are. */
export function capacityOf(unit: Unit): number {
  return Math.floor(unit.volume.bytes / VOLUME_BLOCK_BYTES);
}

/** SBC-3 §5.11: RDPROTECT, WRPROTECT and VRPROTECT ask for protection information, which the medium has none of. */
function hasProtection(cdb: Uint8Array): boolean {
  return (cdb[0] ?? 0) >= 0x20 && ((cdb[1] ?? 0) & 0xe0) !== 0;
}

function tooMany(
  cdb: Uint8Array,
  blocks: Blocks,
  wanted: number,
  countMax: number,
): Result | undefined {
  return blocks.count > countMax ? invalidField(wanted, countAt(cdb)) : undefined;
}

function formOf(opcode: number): Form {
  return forms[opcode >> 5] ?? sixteen;
}
