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

interface TextFields {
  /** F: the sender has nothing more to say. */
  readonly final: boolean;
  /** C: the text goes on in the next PDU. */
  readonly continues: boolean;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly targetTransferTag: number;
  /** Pairs of keys and values; where decoded, a view into what was received. */
  readonly data: Uint8Array;
}

/** RFC 7143 §11.10 */
export interface TextRequest extends TextFields {
  readonly opcode: typeof Opcode.TEXT_REQUEST;
  readonly immediate: boolean;
  readonly cmdSn: number;
  readonly expStatSn: number;
}

/** §11.11 */
export interface TextResponse extends TextFields, TargetNumbers {
  readonly opcode: typeof Opcode.TEXT_RESPONSE;
}

const CONTINUES = 0x40;

export function decodeTextRequest(
  reader: Reader,
  immediate: boolean,
  data: Uint8Array,
): TextRequest {
  const fields = readFields(reader, data);
  const cmdSn = reader.u32();
  const expStatSn = reader.u32();
  return { opcode: Opcode.TEXT_REQUEST, immediate, ...fields, cmdSn, expStatSn };
}

export function decodeTextResponse(reader: Reader, data: Uint8Array): TextResponse {
  const fields = readFields(reader, data);
  return { opcode: Opcode.TEXT_RESPONSE, ...fields, ...readNumbers(reader) };
}

export function putTextRequest(writer: Writer, pdu: TextRequest): Writer {
  putFields(writer, pdu.opcode | (pdu.immediate ? IMMEDIATE : 0), pdu);
  return writer.u32(pdu.cmdSn).u32(pdu.expStatSn).zeros(16);
}

export function putTextResponse(writer: Writer, pdu: TextResponse): Writer {
  putFields(writer, pdu.opcode, pdu);
  return putNumbers(writer, pdu).zeros(12);
}

function readFields(reader: Reader, data: Uint8Array): TextFields {
  const flags = reader.u8();
  reader.skip(6);
  return {
    final: (flags & FINAL) !== 0,
    continues: (flags & CONTINUES) !== 0,
    lun: reader.u64(),
    initiatorTaskTag: reader.u32(),
    targetTransferTag: reader.u32(),
    data,
  };
}

function putFields(writer: Writer, opcode: number, pdu: TextFields): void {
  const flags = (pdu.final ? FINAL : 0) | (pdu.continues ? CONTINUES : 0);
  putStart(writer, opcode, [flags, 0, 0], pdu.data.length);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.targetTransferTag);
}
