import { SCSI_PIECE_BYTES, VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { blocksOf, bytesOf, DPO, FUA, isForced, refusedWrite, usageOf } from "../blocks.ts";
import type { Command } from "../command.ts";
import { finishedWrite, inPieces, lookingAt, type Outcome, sentBytes, storing } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { cut, orInto } from "../parts.ts";
import type { Unit } from "../unit.ts";

/** SBC-3 §5.5: sets the bits that are sent, and no other's write gets in between. */
export const orwrite: Operation = {
  name: "ORWRITE(16)",
  opcode: 0x8b,
  serviceAction: undefined,
  usage: usageOf(0x8b, DPO | FUA),
  dataOutWanted: bytesOf,
  isExclusive: true,
  access: "write",
  run,
};

function run(unit: Unit, command: Command): Outcome {
  const { cdb, dataOut } = command;
  const blocks = blocksOf(cdb);
  const wanted = blocks.count * VOLUME_BLOCK_BYTES;
  const refusal = refusedWrite(unit, cdb, blocks, wanted);
  if (refusal !== undefined) return refusal;
  const sent = sentBytes(command, wanted);
  if (typeof sent !== "number") return sent;
  const start = blocks.lba * VOLUME_BLOCK_BYTES;
  const step = inPieces(0, sent, SCSI_PIECE_BYTES, (at, length) =>
    lookingAt(unit, start + at, { length, wanted }, (bytes) => {
      orInto(bytes, cut(dataOut, at, length));
      return storing(unit, start + at, [bytes], wanted);
    }),
  );
  return finishedWrite(unit, step, { wanted, isForced: isForced(cdb) });
}
