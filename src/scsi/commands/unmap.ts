import { SCSI_UNMAP_DESCRIPTORS_MAX, VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { type Blocks, outOfReach, protectedMedium } from "../blocks.ts";
import { u16, u32, u64 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import { deallocating, finishedWrite, inPieces, type Outcome } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { joined } from "../parts.ts";
import { good, invalidField, invalidParameter, parameterListLengthError } from "../result.ts";
import type { Unit } from "../unit.ts";

const ANCHOR = 0x01;
const HEADER_BYTES = 8;
const DESCRIPTOR_BYTES = 16;

/** SBC-3 §5.28: blocks that file systems do not need any more; they read as zeros. */
export const unmap: Operation = {
  name: "UNMAP",
  opcode: 0x42,
  serviceAction: undefined,
  usage: [0x42, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0],
  dataOutWanted: (cdb) => u16(cdb, 7),
  isExclusive: false,
  access: "write",
  run,
};

function run(unit: Unit, { cdb, dataOut, dataOutBytes }: Command): Outcome {
  const wanted = u16(cdb, 7);
  if (((cdb[1] ?? 0) & ANCHOR) !== 0) return invalidField(wanted, 1, 0);
  const refusal = protectedMedium(unit, wanted);
  if (refusal !== undefined) return refusal;
  if (wanted === 0) return good();
  if (wanted < HEADER_BYTES || dataOutBytes < wanted) return parameterListLengthError(wanted);
  const all = listed(joined(dataOut).subarray(0, wanted));
  if (!Array.isArray(all)) return all;
  // None of them where one of them is wrong.
  for (const blocks of all) {
    const beyond = outOfReach(unit, blocks, wanted);
    if (beyond !== undefined) return beyond;
  }
  const step = inPieces(0, all.length, 1, (index) => {
    const { lba, count } = all[index] ?? { lba: 0, count: 0 };
    if (count === 0) return undefined;
    return deallocating(unit, lba * VOLUME_BLOCK_BYTES, count * VOLUME_BLOCK_BYTES, wanted);
  });
  return finishedWrite(unit, step, { wanted, isForced: false });
}

/** SBC-3 §5.28.2. A descriptor that is not there whole is left out, as the standard has it. */
function listed(list: Uint8Array): Blocks[] | Result {
  const bytes = u16(list, 2);
  if (HEADER_BYTES + bytes > list.length) return invalidParameter(list.length, 2);
  const count = Math.floor(bytes / DESCRIPTOR_BYTES);
  if (count > SCSI_UNMAP_DESCRIPTORS_MAX) return invalidParameter(list.length, 2);
  return Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + index * DESCRIPTOR_BYTES;
    return { lba: u64(list, at), count: u32(list, at + 8) };
  });
}
