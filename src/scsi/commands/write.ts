import { VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { blocksOf, bytesOf, DPO, FUA, isForced, refusedWrite, usageOf } from "../blocks.ts";
import type { Command } from "../command.ts";
import { finishedWrite, type Outcome, sentBytes, storing } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { cut } from "../parts.ts";
import { good } from "../result.ts";
import type { Unit } from "../unit.ts";

/** SBC-3 §5.33 to §5.35, and SBC-2's WRITE(6). */
export const operations: readonly Operation[] = [
  writing("WRITE(6)", 0x0a, 0),
  writing("WRITE(10)", 0x2a, DPO | FUA),
  writing("WRITE(12)", 0xaa, DPO | FUA),
  writing("WRITE(16)", 0x8a, DPO | FUA),
];

function writing(name: string, opcode: number, flags: number): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: usageOf(opcode, flags),
    dataOutWanted: bytesOf,
    isExclusive: false,
    access: "write",
    run: write,
  };
}

function write(unit: Unit, command: Command): Outcome {
  const { cdb, dataOut, dataOutBytes } = command;
  const blocks = blocksOf(cdb);
  const wanted = blocks.count * VOLUME_BLOCK_BYTES;
  const refusal = refusedWrite(unit, cdb, blocks, wanted);
  if (refusal !== undefined) return refusal;
  const sent = sentBytes(command, wanted);
  if (typeof sent !== "number") return sent;
  if (sent === 0) return good([], { wanted });
  const parts = sent === dataOutBytes ? dataOut : cut(dataOut, 0, sent);
  const step = storing(unit, blocks.lba * VOLUME_BLOCK_BYTES, parts, wanted);
  return finishedWrite(unit, step, { wanted, isForced: isForced(cdb) });
}
