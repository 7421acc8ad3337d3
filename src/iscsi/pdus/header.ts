import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";

/** RFC 7143 §11.2.1: what every PDU begins with. */
export const HEADER_BYTES = 48;
/** §11.2.1.8: a tag that stands for none. */
export const NO_TAG = 0xffff_ffff;
/** §11.2.1.3: the F bit, and what stands in its place where it is always set. */
export const FINAL = 0x80;
export const IMMEDIATE = 0x40;

/** §11.1, table 11. */
export const Opcode = {
  NOP_OUT: 0x00,
  SCSI_COMMAND: 0x01,
  TASK_REQUEST: 0x02,
  LOGIN_REQUEST: 0x03,
  TEXT_REQUEST: 0x04,
  DATA_OUT: 0x05,
  LOGOUT_REQUEST: 0x06,
  SNACK: 0x10,
  NOP_IN: 0x20,
  SCSI_RESPONSE: 0x21,
  TASK_RESPONSE: 0x22,
  LOGIN_RESPONSE: 0x23,
  TEXT_RESPONSE: 0x24,
  DATA_IN: 0x25,
  LOGOUT_RESPONSE: 0x26,
  R2T: 0x31,
  ASYNC: 0x32,
  REJECT: 0x3f,
} as const;

/** What every PDU of a target tells about its numbers: §4.2.2. */
export interface TargetNumbers {
  readonly statSn: number;
  readonly expCmdSn: number;
  readonly maxCmdSn: number;
}

export function readNumbers(reader: Reader): TargetNumbers {
  return { statSn: reader.u32(), expCmdSn: reader.u32(), maxCmdSn: reader.u32() };
}

export function putNumbers(writer: Writer, numbers: TargetNumbers): Writer {
  return writer.u32(numbers.statSn).u32(numbers.expCmdSn).u32(numbers.maxCmdSn);
}

/** Bytes 0 to 7. `ahsBytes` is a multiple of 4. */
export function putStart(
  writer: Writer,
  opcode: number,
  specific: readonly [number, number, number],
  dataBytes: number,
  ahsBytes = 0,
): Writer {
  return writer
    .u8(opcode)
    .u8(specific[0])
    .u8(specific[1])
    .u8(specific[2])
    .u32((ahsBytes / 4) * 0x100_0000 + dataBytes);
}

/** Data segments, digests and AHS end on words of 4 bytes: §11.2.3. */
export function padded(bytes: number): number {
  return (bytes + 3) & ~3;
}
