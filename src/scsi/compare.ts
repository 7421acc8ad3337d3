import { SCSI_PIECE_BYTES, VOLUME_BLOCK_BYTES } from "../limits.ts";
import type { Blocks } from "./blocks.ts";
import type { Result } from "./command.ts";
import { inPieces, lookingAt, type Step } from "./medium.ts";
import { cut, differenceAt, repeated } from "./parts.ts";
import { check } from "./result.ts";
import { Additional, SenseKey } from "./sense.ts";
import type { Unit } from "./unit.ts";

/** What the initiator sent against what is on the medium. */

/** The first `bytes` of the parts with the blocks from `lba` on. */
export function comparingEach(
  unit: Unit,
  lba: number,
  parts: readonly Uint8Array[],
  { bytes, wanted }: { readonly bytes: number; readonly wanted: number },
): Step {
  const start = lba * VOLUME_BLOCK_BYTES;
  return inPieces(0, bytes, SCSI_PIECE_BYTES, (at, length) =>
    lookingAt(unit, start + at, { length, wanted }, (found) =>
      differenceAt(found, cut(parts, at, length)) === undefined ? undefined : miscompare(wanted),
    ),
  );
}

/** Each of the blocks with this one. */
export function comparingOne(unit: Unit, { lba, count }: Blocks, block: Uint8Array): Step {
  const start = lba * VOLUME_BLOCK_BYTES;
  const end = start + count * VOLUME_BLOCK_BYTES;
  const wanted = block.length;
  const pattern = repeated(block, Math.min(end - start, SCSI_PIECE_BYTES));
  return inPieces(start, end, SCSI_PIECE_BYTES, (at, length) =>
    lookingAt(unit, at, { length, wanted }, (found) =>
      differenceAt(found, cut([pattern], 0, length)) === undefined ? undefined : miscompare(wanted),
    ),
  );
}

/** Nothing is compared, but all of it is read: the disk's errors show, and it is in memory afterwards. */
export function readingThrough(unit: Unit, { lba, count }: Blocks): Step {
  const start = lba * VOLUME_BLOCK_BYTES;
  return inPieces(start, start + count * VOLUME_BLOCK_BYTES, SCSI_PIECE_BYTES, (at, length) =>
    lookingAt(unit, at, { length, wanted: 0 }, () => undefined),
  );
}

/** `information`: the offset of the first byte that differs, where the command tells it. */
export function miscompare(wanted: number, information?: number): Result {
  const why = Additional.MISCOMPARE_DURING_VERIFY;
  const extra = information === undefined ? { wanted } : { wanted, information };
  return check(SenseKey.MISCOMPARE, ...why, extra);
}
