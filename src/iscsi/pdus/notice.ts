import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import {
  FINAL,
  NO_TAG,
  Opcode,
  putNumbers,
  putStart,
  readNumbers,
  type TargetNumbers,
} from "./header.ts";

/** RFC 7143 §11.17.1 */
export const RejectReason = {
  DATA_DIGEST_ERROR: 0x02,
  SNACK_REJECT: 0x03,
  PROTOCOL_ERROR: 0x04,
  COMMAND_NOT_SUPPORTED: 0x05,
  TOO_MANY_IMMEDIATE: 0x06,
  TASK_IN_PROGRESS: 0x07,
  INVALID_DATA_ACK: 0x08,
  INVALID_FIELD: 0x09,
  OUT_OF_RESOURCES: 0x0a,
  NEGOTIATION_RESET: 0x0b,
  WAITING_FOR_LOGOUT: 0x0c,
} as const;
export type RejectReason = (typeof RejectReason)[keyof typeof RejectReason];

/** §11.9.1 */
export const AsyncEvent = {
  SCSI: 0,
  LOGOUT_REQUESTED: 1,
  CONNECTION_DROPPED: 2,
  SESSION_DROPPED: 3,
  NEGOTIATION_REQUESTED: 4,
} as const;

/** §11.16: a request for what was lost. Error recovery level 0 knows none. */
export interface Snack {
  readonly opcode: typeof Opcode.SNACK;
  /** 7 bits. */
  readonly type: number;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly targetTransferTag: number;
  readonly expStatSn: number;
  readonly begRun: number;
  readonly runLength: number;
}

/** §11.9 */
export interface Async extends TargetNumbers {
  readonly opcode: typeof Opcode.ASYNC;
  readonly lun: bigint;
  readonly event: number;
  readonly vendorCode: number;
  /** Their meaning is the event's. */
  readonly parameters: readonly [number, number, number];
  readonly data: Uint8Array;
}

/** §11.17 */
export interface Reject extends TargetNumbers {
  readonly opcode: typeof Opcode.REJECT;
  readonly reason: number;
  readonly dataSn: number;
  /** The header of what is rejected. */
  readonly data: Uint8Array;
}

export function decodeSnack(reader: Reader): Snack {
  const flags = reader.u8();
  reader.skip(6);
  const lun = reader.u64();
  const initiatorTaskTag = reader.u32();
  const targetTransferTag = reader.u32();
  reader.skip(4);
  const expStatSn = reader.u32();
  reader.skip(8);
  return {
    opcode: Opcode.SNACK,
    type: flags & 0x7f,
    lun,
    initiatorTaskTag,
    targetTransferTag,
    expStatSn,
    begRun: reader.u32(),
    runLength: reader.u32(),
  };
}

export function decodeAsync(reader: Reader, data: Uint8Array): Async {
  reader.skip(7);
  const lun = reader.u64();
  reader.skip(8);
  const numbers = readNumbers(reader);
  return {
    opcode: Opcode.ASYNC,
    lun,
    ...numbers,
    event: reader.u8(),
    vendorCode: reader.u8(),
    parameters: [reader.u16(), reader.u16(), reader.u16()],
    data,
  };
}

export function decodeReject(reader: Reader, data: Uint8Array): Reject {
  reader.skip(1);
  const reason = reader.u8();
  reader.skip(21);
  return { opcode: Opcode.REJECT, reason, ...readNumbers(reader), dataSn: reader.u32(), data };
}

export function putSnack(writer: Writer, pdu: Snack): Writer {
  putStart(writer, pdu.opcode, [FINAL | pdu.type, 0, 0], 0);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.targetTransferTag).u32(0);
  return writer.u32(pdu.expStatSn).zeros(8).u32(pdu.begRun).u32(pdu.runLength);
}

export function putAsync(writer: Writer, pdu: Async): Writer {
  putStart(writer, pdu.opcode, [FINAL, 0, 0], pdu.data.length);
  writer.u64(pdu.lun).u32(NO_TAG).u32(0);
  putNumbers(writer, pdu).u8(pdu.event).u8(pdu.vendorCode);
  for (const parameter of pdu.parameters) writer.u16(parameter);
  return writer.u32(0);
}

export function putReject(writer: Writer, pdu: Reject): Writer {
  putStart(writer, pdu.opcode, [FINAL, pdu.reason, 0], pdu.data.length);
  writer.zeros(8).u32(NO_TAG).u32(0);
  return putNumbers(writer, pdu).u32(pdu.dataSn).zeros(8);
}
