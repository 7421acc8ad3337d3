import { VOLUME_BLOCK_BYTES } from "../limits.ts";
import type { VolumeError } from "../volume/volume.ts";
import type { Command, Result } from "./command.ts";
import { check, good } from "./result.ts";
import { Additional, type AdditionalSense, SenseKey } from "./sense.ts";
import type { Unit } from "./unit.ts";

/** What commands do with the volume, and how what fails there is told. At once wherever the volume answers at once. */

export type Outcome = Result | Promise<Result>;

/** Part of a command: what ended it, undefined where it goes on. */
export type Step = Result | undefined | Promise<Result | undefined>;

/** Goes on when the answer is there. */
export function following<T, R>(
  answer: T | Promise<T>,
  go: (value: T) => R | Promise<R>,
): R | Promise<R> {
  return answer instanceof Promise ? answer.then(go) : go(answer);
}

/** One piece after another, until one ends it. */
export function inPieces(
  from: number,
  to: number,
  pieceMax: number,
  go: (at: number, length: number) => Step,
): Step {
  for (let at = from; at < to; at += pieceMax) {
    const step = go(at, Math.min(pieceMax, to - at));
    if (step instanceof Promise) {
      return step.then((ended) => ended ?? inPieces(at + pieceMax, to, pieceMax, go));
    }
    if (step !== undefined) return step;
  }
  return undefined;
}

/** Lends a buffer to `use`, filled with what is there. `wanted`, here and below: bytes that the CDB takes. */
export function lookingAt(
  unit: Unit,
  offset: number,
  { length, wanted }: { readonly length: number; readonly wanted: number },
  use: (bytes: Uint8Array) => Step,
): Step {
  const lent = unit.buffers.take(length);
  const bytes = exactly(lent.bytes, length);
  const used = following(unit.volume.read(offset, bytes), (error) =>
    error === undefined ? use(bytes) : notRead(error, wanted),
  );
  if (used instanceof Promise) return used.finally(lent.release);
  lent.release();
  return used;
}

export function storing(
  unit: Unit,
  offset: number,
  parts: readonly Uint8Array[],
  wanted: number,
): Step {
  return following(unit.volume.write(offset, parts), (error) => notWritten(error, wanted));
}

export function flushing(unit: Unit, wanted: number): Step {
  return following(unit.volume.flush(), (error) => notWritten(error, wanted));
}

export function deallocating(unit: Unit, offset: number, length: number, wanted: number): Step {
  return following(unit.volume.deallocate(offset, length), (error) => notWritten(error, wanted));
}

export function clearing(unit: Unit, offset: number, length: number, wanted: number): Step {
  return following(unit.volume.clear(offset, length), (error) => notWritten(error, wanted));
}

/** GOOD where nothing ended it before. */
export function finished(step: Step, wanted: number): Outcome {
  return following(step, (ended) => ended ?? good([], { wanted }));
}

/** The same, and what was written is on disk where that was asked for: FUA, or WCE=0 (SBC-3 §6.5.5). */
export function finishedWrite(
  unit: Unit,
  step: Step,
  { wanted, isForced }: { readonly wanted: number; readonly isForced: boolean },
): Outcome {
  if (!isForced && !unit.modes.isWriteThrough) return finished(step, wanted);
  return finished(
    following(step, (ended) => ended ?? flushing(unit, wanted)),
    wanted,
  );
}

export function notRead(error: VolumeError, wanted: number): Result {
  return failed(error, wanted, Additional.UNRECOVERED_READ_ERROR);
}

/**
 * Bytes that came of those that were wanted: of fewer blocks, the residual count tells (RFC 7143 §11.4.5.1).
 * Part of a block cannot be written.
 */
export function sentBytes(command: Command, wanted: number): number | Result {
  const bytes = Math.min(command.dataOutBytes, wanted);
  if (bytes % VOLUME_BLOCK_BYTES === 0) return bytes;
  const why = Additional.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT;
  return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted });
}

export function exactly(bytes: Uint8Array, length: number): Uint8Array {
  return bytes.length === length ? bytes : bytes.subarray(0, length);
}

function notWritten(error: VolumeError | undefined, wanted: number): Result | undefined {
  return error === undefined ? undefined : failed(error, wanted, Additional.WRITE_ERROR);
}

function failed(error: VolumeError, wanted: number, io: AdditionalSense): Result {
  switch (error) {
    case "no-space": {
      // A thin disk without room (SBC-3 §4.7.3.6): Linux makes ENOSPC of it.
      const why = Additional.SPACE_ALLOCATION_FAILED_WRITE_PROTECT;
      return check(SenseKey.DATA_PROTECT, ...why, { wanted });
    }
    case "io":
      return check(SenseKey.MEDIUM_ERROR, ...io, { wanted });
    case "read-only":
      return check(SenseKey.DATA_PROTECT, ...Additional.WRITE_PROTECTED, { wanted });
    case "gone":
      return check(SenseKey.HARDWARE_ERROR, ...Additional.INTERNAL_TARGET_FAILURE, { wanted });
  }
}
