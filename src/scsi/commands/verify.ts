import { VOLUME_BLOCK_BYTES } from "../../limits.ts";
import {
  type Blocks,
  blocksOf,
  bytesOf,
  DPO,
  refusedRead,
  refusedWrite,
  usageOf,
} from "../blocks.ts";
import type { Command } from "../command.ts";
import { comparingEach, comparingOne, readingThrough } from "../compare.ts";
import {
  finished,
  flushing,
  following,
  type Outcome,
  type Step,
  sentBytes,
  storing,
} from "../medium.ts";
import type { Operation } from "../operation.ts";
import { cut, joined } from "../parts.ts";
import { good, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

/** SBC-3 §5.29 BYTCHK: nothing is compared, each block with its own, reserved, each block with the one that is sent. */
const BYTE_CHECK = 0x06;
const ByteCheck = { NONE: 0x00, EACH: 0x02, RESERVED: 0x04, SAME: 0x06 } as const;

const verifyFlags = DPO | BYTE_CHECK;
const writeFlags = DPO | ByteCheck.EACH;

/** SBC-3 §5.29 to §5.31 and §5.37 to §5.39 */
export const operations: readonly Operation[] = [
  verification("VERIFY(10)", 0x2f),
  verification("VERIFY(12)", 0xaf),
  verification("VERIFY(16)", 0x8f),
  checkedWrite("WRITE AND VERIFY(10)", 0x2e),
  checkedWrite("WRITE AND VERIFY(12)", 0xae),
  checkedWrite("WRITE AND VERIFY(16)", 0x8e),
];

function verification(name: string, opcode: number): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: usageOf(opcode, verifyFlags),
    dataOutWanted: comparedBytes,
    isExclusive: false,
    access: "read",
    run: verify,
  };
}

/** Exclusive: another's write between would be told as a difference. */
function checkedWrite(name: string, opcode: number): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: usageOf(opcode, writeFlags),
    dataOutWanted: bytesOf,
    isExclusive: true,
    access: "write",
    run: writeAndVerify,
  };
}

function comparedBytes(cdb: Uint8Array): number {
  const { count } = blocksOf(cdb);
  switch (byteCheckOf(cdb)) {
    case ByteCheck.EACH:
      return count * VOLUME_BLOCK_BYTES;
    case ByteCheck.SAME:
      return Math.min(count, 1) * VOLUME_BLOCK_BYTES;
    default:
      return 0;
  }
}

function verify(unit: Unit, command: Command): Outcome {
  const { cdb } = command;
  const blocks = blocksOf(cdb);
  const wanted = comparedBytes(cdb);
  if (byteCheckOf(cdb) === ByteCheck.RESERVED) return invalidField(wanted, 1, 2);
  const refusal = refusedRead(unit, cdb, blocks, wanted);
  if (refusal !== undefined) return refusal;
  const bytes = sentBytes(command, wanted);
  if (typeof bytes !== "number") return bytes;
  return finished(verifying(unit, command, blocks, { bytes, wanted }), wanted);
}

function verifying(
  unit: Unit,
  { cdb, dataOut }: Command,
  blocks: Blocks,
  sent: { readonly bytes: number; readonly wanted: number },
): Step {
  const how = byteCheckOf(cdb);
  if (how === ByteCheck.NONE) return readingThrough(unit, blocks);
  if (how === ByteCheck.EACH) return comparingEach(unit, blocks.lba, dataOut, sent);
  if (sent.bytes === 0) return undefined;
  return comparingOne(unit, blocks, joined(cut(dataOut, 0, sent.bytes)));
}

/** Both from the medium itself: what was written is flushed first. */
function writeAndVerify(unit: Unit, command: Command): Outcome {
  const { cdb, dataOut } = command;
  const blocks = blocksOf(cdb);
  const wanted = blocks.count * VOLUME_BLOCK_BYTES;
  const how = byteCheckOf(cdb);
  if (how !== ByteCheck.NONE && how !== ByteCheck.EACH) return invalidField(wanted, 1, 2);
  const refusal = refusedWrite(unit, cdb, blocks, wanted);
  if (refusal !== undefined) return refusal;
  const bytes = sentBytes(command, wanted);
  if (typeof bytes !== "number") return bytes;
  if (bytes === 0) return good([], { wanted });
  const parts = cut(dataOut, 0, bytes);
  const stored = storing(unit, blocks.lba * VOLUME_BLOCK_BYTES, parts, wanted);
  const flushed = following(stored, (ended) => ended ?? flushing(unit, wanted));
  if (how === ByteCheck.NONE) return finished(flushed, wanted);
  const compared = following(
    flushed,
    (ended) => ended ?? comparingEach(unit, blocks.lba, parts, { bytes, wanted }),
  );
  return finished(compared, wanted);
}

function byteCheckOf(cdb: Uint8Array): number {
  return (cdb[1] ?? 0) & BYTE_CHECK;
}
