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

/** RFC 7143 §11.14.1 */
export const LogoutReason = { CLOSE_SESSION: 0, CLOSE_CONNECTION: 1, RECOVERY: 2 } as const;

/** §11.15.1 */
export const LogoutOutcome = { CLOSED: 0, CID_NOT_FOUND: 1, RECOVERY_NOT_SUPPORTED: 2 } as const;

/** §11.14 */
export interface LogoutRequest {
  readonly opcode: typeof Opcode.LOGOUT_REQUEST;
  readonly immediate: boolean;
  /** 7 bits: one of LogoutReason, or none. */
  readonly reason: number;
  readonly initiatorTaskTag: number;
  readonly cid: number;
  readonly cmdSn: number;
  readonly expStatSn: number;
}

/** §11.15 */
export interface LogoutResponse extends TargetNumbers {
  readonly opcode: typeof Opcode.LOGOUT_RESPONSE;
  readonly response: number;
  readonly initiatorTaskTag: number;
  /** Seconds before the initiator may come again, and for which its tasks are kept. */
  readonly timeToWait: number;
  readonly timeToRetain: number;
}

export function decodeLogoutRequest(reader: Reader, immediate: boolean): LogoutRequest {
  const flags = reader.u8();
  reader.skip(14);
  const initiatorTaskTag = reader.u32();
  const cid = reader.u16();
  reader.skip(2);
  return {
    opcode: Opcode.LOGOUT_REQUEST,
    immediate,
    reason: flags & 0x7f,
    initiatorTaskTag,
    cid,
    cmdSn: reader.u32(),
    expStatSn: reader.u32(),
  };
}

export function decodeLogoutResponse(reader: Reader): LogoutResponse {
  reader.skip(1);
  const response = reader.u8();
  reader.skip(13);
  const initiatorTaskTag = reader.u32();
  reader.skip(4);
  const numbers = readNumbers(reader);
  reader.skip(4);
  const timeToWait = reader.u16();
  const timeToRetain = reader.u16();
  return {
    opcode: Opcode.LOGOUT_RESPONSE,
    response,
    initiatorTaskTag,
    ...numbers,
    timeToWait,
    timeToRetain,
  };
}

export function putLogoutRequest(writer: Writer, pdu: LogoutRequest): Writer {
  const opcode = pdu.opcode | (pdu.immediate ? IMMEDIATE : 0);
  putStart(writer, opcode, [FINAL | pdu.reason, 0, 0], 0);
  writer.zeros(8).u32(pdu.initiatorTaskTag).u16(pdu.cid).u16(0);
  return writer.u32(pdu.cmdSn).u32(pdu.expStatSn).zeros(16);
}

export function putLogoutResponse(writer: Writer, pdu: LogoutResponse): Writer {
  putStart(writer, pdu.opcode, [FINAL, pdu.response, 0], 0);
  writer.zeros(8).u32(pdu.initiatorTaskTag).u32(0);
  return putNumbers(writer, pdu).u32(0).u16(pdu.timeToWait).u16(pdu.timeToRetain).u32(0);
}
