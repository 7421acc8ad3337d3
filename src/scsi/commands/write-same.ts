import { SCSI_PIECE_BYTES, SCSI_WRITE_SAME_BLOCKS_MAX, VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { type Blocks, blocksOf, countAt, protectedMedium, refused, usageOf } from "../blocks.ts";
import type { Command, Result } from "../command.ts";
import {
  clearing,
  deallocating,
  exactly,
  finishedWrite,
  inPieces,
  type Outcome,
  type Step,
  storing,
} from "../medium.ts";
import type { Operation } from "../operation.ts";
import { joined, repeated } from "../parts.ts";
import { invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

const ANCHOR = 0x10;
const UNMAP = 0x08;
/** PBDATA and LBDATA of SBC-2: addresses in the data. */
const ADDRESSED = 0x06;
/** Of the 16-byte form alone: no data comes, zeros are meant. */
const NO_DATA = 0x01;

/** SBC-3 §5.43 and §5.44: one block, written to all of them. VPD page B0h says WSNZ: how many must be said. */
export const operations: readonly Operation[] = [
  writingSame("WRITE SAME(10)", 0x41, UNMAP),
  writingSame("WRITE SAME(16)", 0x93, UNMAP | NO_DATA),
];

function writingSame(name: string, opcode: number, flags: number): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: usageOf(opcode, flags),
    dataOutWanted: wantedBytes,
    isExclusive: false,
    access: "write",
    run,
  };
}

function wantedBytes(cdb: Uint8Array): number {
  return hasNoData(cdb) ? 0 : VOLUME_BLOCK_BYTES;
}

function hasNoData(cdb: Uint8Array): boolean {
  return cdb[0] === 0x93 && ((cdb[1] ?? 0) & NO_DATA) !== 0;
}

function run(unit: Unit, command: Command): Outcome {
  const { cdb, dataOut, dataOutBytes } = command;
  const blocks = blocksOf(cdb);
  const wanted = wantedBytes(cdb);
  const refusal =
    refusedFlags(cdb, wanted) ??
    refused(unit, cdb, blocks, wanted, SCSI_WRITE_SAME_BLOCKS_MAX) ??
    protectedMedium(unit, wanted);
  if (refusal !== undefined) return refusal;
  if (blocks.count === 0 || dataOutBytes !== wanted) return invalidField(wanted, countAt(cdb));
  const block = wanted === 0 ? new Uint8Array(VOLUME_BLOCK_BYTES) : joined(dataOut);
  const isUnmap = ((cdb[1] ?? 0) & UNMAP) !== 0;
  const step = block.some((byte) => byte !== 0)
    ? storingAll(unit, blocks, block, wanted)
    : storingZeros(unit, blocks, { isUnmap, wanted });
  return finishedWrite(unit, step, { wanted, isForced: false });
}

/**
 * LBPRZ=1: blocks that are given back read as zeros, and ones that hold zeros may be given back at any time (SBC-3
 * §4.7.3.5). What takes no room takes none after it, either: a new file system's journal is 16 MiB of zeros.
 */
function storingZeros(
  unit: Unit,
  blocks: Blocks,
  { isUnmap, wanted }: { readonly isUnmap: boolean; readonly wanted: number },
): Step {
  const zeroing = isUnmap ? deallocating : clearing;
  return zeroing(unit, start(blocks), length(blocks), wanted);
}

/** ANCHOR: VPD page B2h has no ANC_SUP. */
function refusedFlags(cdb: Uint8Array, wanted: number): Result | undefined {
  const flags = cdb[1] ?? 0;
  if ((flags & ANCHOR) !== 0) return invalidField(wanted, 1, 4);
  return (flags & ADDRESSED) === 0 ? undefined : invalidField(wanted, 1, 2);
}

function storingAll(unit: Unit, blocks: Blocks, block: Uint8Array, wanted: number): Step {
  const pattern = repeated(block, Math.min(length(blocks), SCSI_PIECE_BYTES));
  const end = start(blocks) + length(blocks);
  return inPieces(start(blocks), end, SCSI_PIECE_BYTES, (at, bytes) =>
    storing(unit, at, [exactly(pattern, bytes)], wanted),
  );
}

function start({ lba }: Blocks): number {
  return lba * VOLUME_BLOCK_BYTES;
}

function length({ count }: Blocks): number {
  return count * VOLUME_BLOCK_BYTES;
}
