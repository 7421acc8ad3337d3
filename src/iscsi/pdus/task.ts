import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import {
  FINAL,
  IMMEDIATE,
  Opcode,
  putNumbers,
  putStart,
  readNumbers,
  type TargetNumbers,
} from "./header.ts";

/** RFC 7143 §11.5.1 */
export const TaskFunction = {
  ABORT_TASK: 1,
  ABORT_TASK_SET: 2,
  CLEAR_ACA: 3,
  CLEAR_TASK_SET: 4,
  LOGICAL_UNIT_RESET: 5,
  TARGET_WARM_RESET: 6,
  TARGET_COLD_RESET: 7,
  TASK_REASSIGN: 8,
} as const;

/** §11.6.1 */
export const TaskOutcome = {
  COMPLETE: 0,
  TASK_DOES_NOT_EXIST: 1,
  LUN_DOES_NOT_EXIST: 2,
  TASK_STILL_ALLEGIANT: 3,
  ALLEGIANCE_NOT_SUPPORTED: 4,
  NOT_SUPPORTED: 5,
  AUTHORIZATION_FAILED: 6,
  REJECTED: 255,
} as const;
export type TaskOutcome = (typeof TaskOutcome)[keyof typeof TaskOutcome];

/** §11.5 */
export interface TaskRequest {
  readonly opcode: typeof Opcode.TASK_REQUEST;
  readonly immediate: boolean;
  /** 7 bits: one of TaskFunction, or none. */
  readonly function: number;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly referencedTaskTag: number;
  readonly cmdSn: number;
  readonly expStatSn: number;
  readonly refCmdSn: number;
  readonly expDataSn: number;
}

/** §11.6 */
export interface TaskResponse extends TargetNumbers {
  readonly opcode: typeof Opcode.TASK_RESPONSE;
  readonly response: number;
  readonly initiatorTaskTag: number;
}

export function decodeTaskRequest(reader: Reader, immediate: boolean): TaskRequest {
  const flags = reader.u8();
  reader.skip(6);
  return {
    opcode: Opcode.TASK_REQUEST,
    immediate,
    function: flags & 0x7f,
    lun: reader.u64(),
    initiatorTaskTag: reader.u32(),
    referencedTaskTag: reader.u32(),
    cmdSn: reader.u32(),
    expStatSn: reader.u32(),
    refCmdSn: reader.u32(),
    expDataSn: reader.u32(),
  };
}

export function decodeTaskResponse(reader: Reader): TaskResponse {
  reader.skip(1);
  const response = reader.u8();
  reader.skip(13);
  const initiatorTaskTag = reader.u32();
  reader.skip(4);
  return { opcode: Opcode.TASK_RESPONSE, response, initiatorTaskTag, ...readNumbers(reader) };
}

export function putTaskRequest(writer: Writer, pdu: TaskRequest): Writer {
  const opcode = pdu.opcode | (pdu.immediate ? IMMEDIATE : 0);
  putStart(writer, opcode, [FINAL | pdu.function, 0, 0], 0);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.referencedTaskTag);
  return writer.u32(pdu.cmdSn).u32(pdu.expStatSn).u32(pdu.refCmdSn).u32(pdu.expDataSn).zeros(8);
}

export function putTaskResponse(writer: Writer, pdu: TaskResponse): Writer {
  putStart(writer, pdu.opcode, [FINAL, pdu.response, 0], 0);
  writer.zeros(8).u32(pdu.initiatorTaskTag).u32(0);
  return putNumbers(writer, pdu).zeros(12);
}
