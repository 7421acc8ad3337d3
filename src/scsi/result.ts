import type { Result } from "./command.ts";
import { Additional, type SenseDetails, SenseKey, senseOf } from "./sense.ts";
import { Status } from "./status.ts";

/** How commands end. `wanted`: bytes that the CDB takes from the initiator, for the residual count. */

export function good(
  dataIn: readonly Uint8Array[] = [],
  { wanted = 0, release }: { readonly wanted?: number; readonly release?: () => void } = {},
): Result {
  let bytes = 0;
  for (const part of dataIn) bytes += part.length;
  return {
    status: Status.GOOD,
    sense: undefined,
    dataIn,
    dataInBytes: bytes,
    dataOutWanted: wanted,
    release,
  };
}

export function check(
  key: SenseKey,
  asc: number,
  ascq: number,
  extra: SenseDetails & { readonly wanted?: number } = {},
): Result {
  return ended(Status.CHECK_CONDITION, extra.wanted ?? 0, senseOf(key, asc, ascq, extra));
}

export function conflict(wanted = 0): Result {
  return ended(Status.RESERVATION_CONFLICT, wanted, undefined);
}

/** The CDB says something that the disk does not know: in this byte, in the field that begins with this bit. */
export function invalidField(wanted: number, byte: number, bit?: number): Result {
  const why = Additional.INVALID_FIELD_IN_CDB;
  return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted, field: { byte, bit } });
}

/** The same of a byte of the parameter list. */
export function invalidParameter(wanted: number, byte: number, bit?: number): Result {
  const why = Additional.INVALID_FIELD_IN_PARAMETER_LIST;
  return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted, field: { byte, bit } });
}

export function parameterListLengthError(wanted: number): Result {
  const why = Additional.PARAMETER_LIST_LENGTH_ERROR;
  return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted });
}

/** Parameter data, cut to what the initiator has room for: that is no error (SPC-4 §4.3.5.6). */
export function dataIn(bytes: Uint8Array, allocationLength: number): Result {
  const sent = bytes.length > allocationLength ? bytes.subarray(0, allocationLength) : bytes;
  return good(sent.length === 0 ? [] : [sent]);
}

function ended(status: Status, dataOutWanted: number, sense: Uint8Array | undefined): Result {
  return {
    status,
    sense,
    dataIn: [],
    dataInBytes: 0,
    dataOutWanted,
    release: undefined,
  };
}
