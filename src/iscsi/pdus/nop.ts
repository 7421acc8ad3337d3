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

interface NopFields {
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly targetTransferTag: number;
  /** Comes back as it is. */
  readonly data: Uint8Array;
}

/** RFC 7143 §11.18 */
export interface NopOut extends NopFields {
  readonly opcode: typeof Opcode.NOP_OUT;
  readonly immediate: boolean;
  readonly cmdSn: number;
  readonly expStatSn: number;
}

/** §11.19 */
export interface NopIn extends NopFields, TargetNumbers {
  readonly opcode: typeof Opcode.NOP_IN;
}

export function decodeNopOut(reader: Reader, immediate: boolean, data: Uint8Array): NopOut {
  const fields = readFields(reader, data);
  const cmdSn = reader.u32();
  return { opcode: Opcode.NOP_OUT, immediate, ...fields, cmdSn, expStatSn: reader.u32() };
}

export function decodeNopIn(reader: Reader, data: Uint8Array): NopIn {
  return { opcode: Opcode.NOP_IN, ...readFields(reader, data), ...readNumbers(reader) };
}

export function putNopOut(writer: Writer, pdu: NopOut): Writer {
  putFields(writer, pdu.opcode | (pdu.immediate ? IMMEDIATE : 0), pdu);
  return writer.u32(pdu.cmdSn).u32(pdu.expStatSn).zeros(16);
}

export function putNopIn(writer: Writer, pdu: NopIn): Writer {
  putFields(writer, pdu.opcode, pdu);
  return putNumbers(writer, pdu).zeros(12);
}

function readFields(reader: Reader, data: Uint8Array): NopFields {
  reader.skip(7);
  const lun = reader.u64();
  const initiatorTaskTag = reader.u32();
  return { lun, initiatorTaskTag, targetTransferTag: reader.u32(), data };
}

function putFields(writer: Writer, opcode: number, pdu: NopFields): void {
  putStart(writer, opcode, [FINAL, 0, 0], pdu.data.length);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.targetTransferTag);
}
