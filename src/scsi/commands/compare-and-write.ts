import { SCSI_COMPARE_AND_WRITE_BLOCKS_MAX, VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { type Blocks, DPO, FUA, isForced, protectedMedium, refused } from "../blocks.ts";
import { u64 } from "../cdb.ts";
import type { Command } from "../command.ts";
import { miscompare } from "../compare.ts";
import { finishedWrite, lookingAt, type Outcome, storing } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { cut, differenceAt } from "../parts.ts";
import { good, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

/** SBC-3 §5.2: clusters take their locks by it. The bytes to compare come first, those to write behind them. */
export const compareAndWrite: Operation = {
  name: "COMPARE AND WRITE",
  opcode: 0x89,
  serviceAction: undefined,
  usage: [0x89, DPO | FUA, ...Array<number>(8).fill(0xff), 0, 0, 0, 0xff, 0, 0],
  dataOutWanted: (cdb) => 2 * lengthOf(cdb),
  isExclusive: true,
  access: "write",
  run,
};

function run(unit: Unit, command: Command): Outcome {
  const { cdb, dataOut, dataOutBytes } = command;
  const blocks: Blocks = { lba: u64(cdb, 2), count: cdb[13] ?? 0 };
  const length = lengthOf(cdb);
  const wanted = 2 * length;
  const refusal =
    refused(unit, cdb, blocks, wanted, SCSI_COMPARE_AND_WRITE_BLOCKS_MAX) ??
    protectedMedium(unit, wanted);
  if (refusal !== undefined) return refusal;
  // Half of it would be another command; 256 blocks are none in the byte that counts them.
  if (dataOutBytes !== wanted) return invalidField(wanted, 13);
  if (length === 0) return good();
  const start = blocks.lba * VOLUME_BLOCK_BYTES;
  const step = lookingAt(unit, start, { length, wanted }, (found) => {
    const at = differenceAt(found, cut(dataOut, 0, length));
    if (at !== undefined) return miscompare(wanted, at);
    return storing(unit, start, cut(dataOut, length, length), wanted);
  });
  return finishedWrite(unit, step, { wanted, isForced: isForced(cdb) });
}

function lengthOf(cdb: Uint8Array): number {
  return (cdb[13] ?? 0) * VOLUME_BLOCK_BYTES;
}
