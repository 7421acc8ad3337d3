import { type Malformed, malformed } from "../bytes/malformed.ts";
import type { Reader } from "../bytes/reader.ts";
import { unreachable } from "../bytes/unreachable.ts";
import { Writer } from "../bytes/writer.ts";
import * as data from "./pdus/data.ts";
import { HEADER_BYTES, IMMEDIATE, Opcode, padded } from "./pdus/header.ts";
import * as login from "./pdus/login.ts";
import * as logout from "./pdus/logout.ts";
import * as nop from "./pdus/nop.ts";
import * as notice from "./pdus/notice.ts";
import * as scsi from "./pdus/scsi.ts";
import * as task from "./pdus/task.ts";
import * as text from "./pdus/text.ts";

/**
 * iSCSI PDUs, bytes ⇄ values: RFC 7143 §11.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+---------------+---------------+
 *   |.|I| opcode    |F|              specific                       |   0
 *   +---------------+---------------+---------------+---------------+
 *   | words of AHS  |            bytes of data segment              |   4
 *   +---------------+-----------------------------------------------+
 *   |                     LUN (8), or specific                      |   8
 *   +---------------------------------------------------------------+
 *   |                    initiator task tag (4)                     |  16
 *   +---------------------------------------------------------------+
 *   |                           specific                            |  20
 *   +---------------------------------------------------------------+
 *   |     additional header segments (AHS), header digest (0, 4)    |  48
 *   |     data segment, padding to 4 bytes, data digest (0, 4)      |
 *   +---------------------------------------------------------------+
 *
 * Lengths, digests and padding are stream.ts's. Not kept: reserved bits and bytes.
 * Not supported: markers, which RFC 7143 §13.25 withdrew.
 */
export type InitiatorPdu =
  | nop.NopOut
  | scsi.ScsiCommand
  | task.TaskRequest
  | login.LoginRequest
  | text.TextRequest
  | data.DataOut
  | logout.LogoutRequest
  | notice.Snack;

export type TargetPdu =
  | nop.NopIn
  | scsi.ScsiResponse
  | task.TaskResponse
  | login.LoginResponse
  | text.TextResponse
  | data.DataIn
  | logout.LogoutResponse
  | data.R2t
  | notice.Async
  | notice.Reject;

export type Pdu = InitiatorPdu | TargetPdu;

/**
 * `reader` stands at the header and ends after its AHS; `segment` is the data segment, in parts as it came, without
 * padding. Undefined: the opcode is none of RFC 7143.
 */
export function decodePdu(
  reader: Reader,
  segment: readonly Uint8Array[],
): Pdu | Malformed | undefined {
  if (reader.remaining < HEADER_BYTES) return malformed("short-header");
  const first = reader.u8();
  const opcode = first & 0x3f;
  const immediate = (first & IMMEDIATE) !== 0;
  if (opcode === Opcode.SCSI_COMMAND) return scsi.decodeScsiCommand(reader, immediate, segment);
  if (reader.remaining >= HEADER_BYTES) return malformed("unexpected-ahs");
  switch (opcode) {
    case Opcode.NOP_OUT:
      return nop.decodeNopOut(reader, immediate, whole(segment));
    case Opcode.TASK_REQUEST:
      return task.decodeTaskRequest(reader, immediate);
    case Opcode.LOGIN_REQUEST:
      return login.decodeLoginRequest(reader, whole(segment));
    case Opcode.TEXT_REQUEST:
      return text.decodeTextRequest(reader, immediate, whole(segment));
    case Opcode.DATA_OUT:
      return data.decodeDataOut(reader, segment);
    case Opcode.LOGOUT_REQUEST:
      return logout.decodeLogoutRequest(reader, immediate);
    case Opcode.SNACK:
      return notice.decodeSnack(reader);
    case Opcode.NOP_IN:
      return nop.decodeNopIn(reader, whole(segment));
    case Opcode.SCSI_RESPONSE:
      return scsi.decodeScsiResponse(reader, whole(segment));
    case Opcode.TASK_RESPONSE:
      return task.decodeTaskResponse(reader);
    case Opcode.LOGIN_RESPONSE:
      return login.decodeLoginResponse(reader, whole(segment));
    case Opcode.TEXT_RESPONSE:
      return text.decodeTextResponse(reader, whole(segment));
    case Opcode.DATA_IN:
      return data.decodeDataIn(reader, segment);
    case Opcode.LOGOUT_RESPONSE:
      return logout.decodeLogoutResponse(reader);
    case Opcode.R2T:
      return data.decodeR2t(reader);
    case Opcode.ASYNC:
      return notice.decodeAsync(reader, whole(segment));
    case Opcode.REJECT:
      return notice.decodeReject(reader, whole(segment));
    default:
      return undefined;
  }
}

/** What the header takes, with its AHS. */
export function headerBytes(pdu: Pdu): number {
  return pdu.opcode === Opcode.SCSI_COMMAND
    ? HEADER_BYTES + scsi.scsiCommandAhsBytes(pdu)
    : HEADER_BYTES;
}

/** Without padding. */
export function segmentBytes(pdu: Pdu): number {
  if (!("data" in pdu)) return 0;
  if (pdu.data instanceof Uint8Array) return pdu.data.length;
  return pdu.data.reduce((sum, part) => sum + part.length, 0);
}

/** The header with its AHS; `bytes` are those of the data segment. */
export function putHeader(writer: Writer, pdu: Pdu, bytes: number): Writer {
  switch (pdu.opcode) {
    case Opcode.DATA_IN:
      return data.putDataIn(writer, pdu, bytes);
    case Opcode.SCSI_RESPONSE:
      return scsi.putScsiResponse(writer, pdu);
    case Opcode.R2T:
      return data.putR2t(writer, pdu);
    case Opcode.SCSI_COMMAND:
      return scsi.putScsiCommand(writer, pdu, bytes);
    case Opcode.DATA_OUT:
      return data.putDataOut(writer, pdu, bytes);
    case Opcode.NOP_OUT:
      return nop.putNopOut(writer, pdu);
    case Opcode.NOP_IN:
      return nop.putNopIn(writer, pdu);
    case Opcode.TASK_REQUEST:
      return task.putTaskRequest(writer, pdu);
    case Opcode.TASK_RESPONSE:
      return task.putTaskResponse(writer, pdu);
    case Opcode.LOGIN_REQUEST:
      return login.putLoginRequest(writer, pdu);
    case Opcode.LOGIN_RESPONSE:
      return login.putLoginResponse(writer, pdu);
    case Opcode.TEXT_REQUEST:
      return text.putTextRequest(writer, pdu);
    case Opcode.TEXT_RESPONSE:
      return text.putTextResponse(writer, pdu);
    case Opcode.LOGOUT_REQUEST:
      return logout.putLogoutRequest(writer, pdu);
    case Opcode.LOGOUT_RESPONSE:
      return logout.putLogoutResponse(writer, pdu);
    case Opcode.SNACK:
      return notice.putSnack(writer, pdu);
    case Opcode.ASYNC:
      return notice.putAsync(writer, pdu);
    case Opcode.REJECT:
      return notice.putReject(writer, pdu);
    default:
      return unreachable(pdu);
  }
}

/** All of it, padded, without digests. */
export function encodePdu(pdu: Pdu): Uint8Array {
  const bytes = segmentBytes(pdu);
  const writer = new Writer(headerBytes(pdu) + padded(bytes));
  putHeader(writer, pdu, bytes);
  if ("data" in pdu) {
    for (const part of pdu.data instanceof Uint8Array ? [pdu.data] : pdu.data) writer.put(part);
  }
  return writer.zeros(padded(bytes) - bytes).finish();
}

const NOTHING = new Uint8Array(0);

/** Text and the like, hardly ever in two parts. */
function whole(parts: readonly Uint8Array[]): Uint8Array {
  const [first = NOTHING] = parts;
  if (parts.length < 2) return first;
  const writer = new Writer(parts.reduce((sum, part) => sum + part.length, 0));
  for (const part of parts) writer.put(part);
  return writer.finish();
}
