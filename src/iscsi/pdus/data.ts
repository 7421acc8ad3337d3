import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import { FINAL, Opcode, putNumbers, putStart, readNumbers, type TargetNumbers } from "./header.ts";
import { residualFlags, residualOf } from "./scsi.ts";

/** RFC 7143 §11.7 */
export interface DataOut {
  readonly opcode: typeof Opcode.DATA_OUT;
  /** F: the last of what was asked for by one R2T, or of what comes unasked. */
  readonly final: boolean;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  /** Of the R2T; NO_TAG for what comes unasked. */
  readonly targetTransferTag: number;
  readonly expStatSn: number;
  readonly dataSn: number;
  readonly offset: number;
  readonly data: readonly Uint8Array[];
}

/** §11.7 */
export interface DataIn extends TargetNumbers {
  readonly opcode: typeof Opcode.DATA_IN;
  readonly final: boolean;
  readonly acknowledge: boolean;
  /** The S bit: the status of the command, with its residual count; undefined where it is not in here. */
  readonly status: number | undefined;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly targetTransferTag: number;
  readonly dataSn: number;
  readonly offset: number;
  /** As in a SCSI response. */
  readonly residual: number;
  readonly data: readonly Uint8Array[];
}

/** §11.8: ready to transfer. */
export interface R2t extends TargetNumbers {
  readonly opcode: typeof Opcode.R2T;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly targetTransferTag: number;
  readonly r2tSn: number;
  readonly offset: number;
  readonly desiredBytes: number;
}

const ACKNOWLEDGE = 0x40;
const OVERFLOW = 0x04;
const UNDERFLOW = 0x02;
const STATUS = 0x01;

export function decodeDataOut(reader: Reader, data: readonly Uint8Array[]): DataOut {
  const flags = reader.u8();
  reader.skip(6);
  const lun = reader.u64();
  const initiatorTaskTag = reader.u32();
  const targetTransferTag = reader.u32();
  reader.skip(4);
  const expStatSn = reader.u32();
  reader.skip(4);
  return {
    opcode: Opcode.DATA_OUT,
    final: (flags & FINAL) !== 0,
    lun,
    initiatorTaskTag,
    targetTransferTag,
    expStatSn,
    dataSn: reader.u32(),
    offset: reader.u32(),
    data,
  };
}

export function putDataOut(writer: Writer, pdu: DataOut, dataBytes: number): Writer {
  putStart(writer, pdu.opcode, [pdu.final ? FINAL : 0, 0, 0], dataBytes);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.targetTransferTag).u32(0);
  return writer.u32(pdu.expStatSn).u32(0).u32(pdu.dataSn).u32(pdu.offset).u32(0);
}

export function decodeDataIn(reader: Reader, data: readonly Uint8Array[]): DataIn {
  const flags = reader.u8();
  reader.skip(1);
  const status = reader.u8();
  reader.skip(4);
  const lun = reader.u64();
  const initiatorTaskTag = reader.u32();
  const targetTransferTag = reader.u32();
  const numbers = readNumbers(reader);
  const dataSn = reader.u32();
  const offset = reader.u32();
  return {
    opcode: Opcode.DATA_IN,
    final: (flags & FINAL) !== 0,
    acknowledge: (flags & ACKNOWLEDGE) !== 0,
    status: (flags & STATUS) === 0 ? undefined : status,
    lun,
    initiatorTaskTag,
    targetTransferTag,
    ...numbers,
    dataSn,
    offset,
    residual: residualOf(reader.u32(), flags & OVERFLOW, flags & UNDERFLOW),
    data,
  };
}

export function putDataIn(writer: Writer, pdu: DataIn, dataBytes: number): Writer {
  const flags =
    (pdu.final ? FINAL : 0) |
    (pdu.acknowledge ? ACKNOWLEDGE : 0) |
    residualFlags(pdu.residual) |
    (pdu.status === undefined ? 0 : STATUS);
  putStart(writer, pdu.opcode, [flags, 0, pdu.status ?? 0], dataBytes);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.targetTransferTag);
  return putNumbers(writer, pdu).u32(pdu.dataSn).u32(pdu.offset).u32(Math.abs(pdu.residual));
}

export function decodeR2t(reader: Reader): R2t {
  reader.skip(7);
  const lun = reader.u64();
  const initiatorTaskTag = reader.u32();
  const targetTransferTag = reader.u32();
  return {
    opcode: Opcode.R2T,
    lun,
    initiatorTaskTag,
    targetTransferTag,
    ...readNumbers(reader),
    r2tSn: reader.u32(),
    offset: reader.u32(),
    desiredBytes: reader.u32(),
  };
}

export function putR2t(writer: Writer, pdu: R2t): Writer {
  putStart(writer, pdu.opcode, [FINAL, 0, 0], 0);
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.targetTransferTag);
  return putNumbers(writer, pdu).u32(pdu.r2tSn).u32(pdu.offset).u32(pdu.desiredBytes);
}
