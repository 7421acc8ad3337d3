import { VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { blocksOf, DPO, FUA, refusedRead, usageOf } from "../blocks.ts";
import type { Command, Result } from "../command.ts";
import { exactly, following, notRead, type Outcome } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { good } from "../result.ts";
import type { Unit } from "../unit.ts";

/** SBC-3 §5.11 to §5.13, and SBC-2's READ(6). FUA needs nothing: what was written is read, wherever it is. */
export const operations: readonly Operation[] = [
  reading("READ(6)", 0x08, 0),
  reading("READ(10)", 0x28, DPO | FUA),
  reading("READ(12)", 0xa8, DPO | FUA),
  reading("READ(16)", 0x88, DPO | FUA),
];

function reading(name: string, opcode: number, flags: number): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: usageOf(opcode, flags),
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "read",
    run: read,
  };
}

function read(unit: Unit, { cdb, dataInRoom }: Command): Outcome {
  const blocks = blocksOf(cdb);
  const refusal = refusedRead(unit, cdb, blocks);
  if (refusal !== undefined) return refusal;
  const dataInBytes = blocks.count * VOLUME_BLOCK_BYTES;
  const length = Math.min(
    dataInBytes,
    Math.ceil(dataInRoom / VOLUME_BLOCK_BYTES) * VOLUME_BLOCK_BYTES,
  );
  if (length === 0) return { ...good(), dataInBytes };
  const { bytes: room, release } = unit.buffers.take(length);
  const bytes = exactly(room, length);
  return following(unit.volume.read(blocks.lba * VOLUME_BLOCK_BYTES, bytes), (error): Result => {
    if (error === undefined) {
      const whole = good([bytes], { release });
      return length === dataInBytes ? whole : { ...whole, dataInBytes };
    }
    release();
    return notRead(error, 0);
  });
}
