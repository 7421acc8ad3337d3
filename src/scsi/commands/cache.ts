import { SCSI_TRANSFER_BLOCKS_MAX } from "../../limits.ts";
import { type Blocks, blocksOf, capacityOf, outOfReach, usageOf } from "../blocks.ts";
import type { Command, Result } from "../command.ts";
import { readingThrough } from "../compare.ts";
import { finished, flushing, following, type Outcome } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { good } from "../result.ts";
import { Status } from "../status.ts";
import type { Unit } from "../unit.ts";

const IMMEDIATE = 0x02;

/** SBC-3 §5.26, §5.27, §5.8 and §5.9. IMMED may be answered when it is done: then it is certain. */
export const operations: readonly Operation[] = [
  caching("SYNCHRONIZE CACHE(10)", 0x35, "write", synchronize),
  caching("SYNCHRONIZE CACHE(16)", 0x91, "write", synchronize),
  caching("PRE-FETCH(10)", 0x34, "read", prefetch),
  caching("PRE-FETCH(16)", 0x90, "read", prefetch),
];

function caching(
  name: string,
  opcode: number,
  access: "read" | "write",
  run: Operation["run"],
): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: usageOf(opcode, IMMEDIATE),
    dataOutWanted: () => 0,
    isExclusive: false,
    access,
    run,
  };
}

/** All that was written, whichever blocks are meant. */
function synchronize(unit: Unit, { cdb }: Command): Outcome {
  return outOfReach(unit, blocksOf(cdb), 0) ?? finished(flushing(unit, 0), 0);
}

/** SBC-3 §5.8: CONDITION MET where all of it is in memory now, GOOD where that is too much. No count: to the end. */
function prefetch(unit: Unit, { cdb }: Command): Outcome {
  const said = blocksOf(cdb);
  const refusal = outOfReach(unit, said, 0);
  if (refusal !== undefined) return refusal;
  const all = { ...said, count: said.count || capacityOf(unit) - said.lba };
  const blocks: Blocks = { ...all, count: Math.min(all.count, SCSI_TRANSFER_BLOCKS_MAX) };
  const isMet = blocks.count === all.count;
  return following(
    readingThrough(unit, blocks),
    (failed): Result => failed ?? { ...good(), status: isMet ? Status.CONDITION_MET : Status.GOOD },
  );
}
