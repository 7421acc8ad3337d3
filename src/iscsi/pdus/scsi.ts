import { type Malformed, malformed } from "../../bytes/malformed.ts";
import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import {
  FINAL,
  IMMEDIATE,
  Opcode,
  padded,
  putNumbers,
  putStart,
  readNumbers,
  type TargetNumbers,
} from "./header.ts";

/** RFC 7143 §11.3 */
export interface ScsiCommand {
  readonly opcode: typeof Opcode.SCSI_COMMAND;
  readonly immediate: boolean;
  /** F: no unsolicited Data-Out follows. */
  readonly final: boolean;
  readonly read: boolean;
  readonly write: boolean;
  /** §11.3.1.1, 3 bits: untagged, simple, ordered, head of queue, ACA. */
  readonly attribute: number;
  readonly lun: bigint;
  readonly initiatorTaskTag: number;
  readonly expectedBytes: number;
  readonly cmdSn: number;
  readonly expStatSn: number;
  /** 16 bytes, with what an AHS adds to them: a view into what was received. */
  readonly cdb: Uint8Array;
  /** Only where an AHS says: what a bidirectional command expects to read. */
  readonly expectedReadBytes: number | undefined;
  readonly data: readonly Uint8Array[];
}

/** §11.4 */
export interface ScsiResponse extends TargetNumbers {
  readonly opcode: typeof Opcode.SCSI_RESPONSE;
  /** §11.4.3: 0 where the command ended at the target, 1 for a target failure. */
  readonly response: number;
  readonly status: number;
  readonly initiatorTaskTag: number;
  readonly expDataSn: number;
  /** Bytes that were expected and not there, or, negative, there and not expected: §11.4.5. */
  readonly residual: number;
  /** The same of what a bidirectional command reads. */
  readonly readResidual: number;
  /** §11.4.7: the length of the sense data in 2 bytes, and those. */
  readonly data: Uint8Array;
}

const READ = 0x40;
const WRITE = 0x20;
const CDB_BYTES = 16;
/** §11.2.2.1 */
const AhsType = { EXTENDED_CDB: 1, EXPECTED_READ: 2 } as const;
/** Length, type and a reserved byte. */
const AHS_START_BYTES = 4;

/** §11.4.1: table of the flags; overflow before underflow. */
const OVERFLOW = 0x04;
const UNDERFLOW = 0x02;
const READ_OVERFLOW = 0x10;
const READ_UNDERFLOW = 0x08;

export function decodeScsiCommand(
  reader: Reader,
  immediate: boolean,
  data: readonly Uint8Array[],
): ScsiCommand | Malformed {
  const flags = reader.u8();
  reader.skip(6);
  const lun = reader.u64();
  const initiatorTaskTag = reader.u32();
  const expectedBytes = reader.u32();
  const cmdSn = reader.u32();
  const expStatSn = reader.u32();
  let cdb = reader.take(CDB_BYTES);
  let expectedReadBytes: number | undefined;
  while (reader.remaining > 0 && !reader.failed) {
    const { type, content } = readAhs(reader);
    if (type === AhsType.EXTENDED_CDB) cdb = joined(cdb, content);
    else if (type === AhsType.EXPECTED_READ && content.length === 4) {
      expectedReadBytes = Buffer.from(content).readUInt32BE();
    } else return malformed("unknown-ahs");
  }
  if (reader.failed) return malformed("short-ahs");
  return {
    opcode: Opcode.SCSI_COMMAND,
    immediate,
    final: (flags & FINAL) !== 0,
    read: (flags & READ) !== 0,
    write: (flags & WRITE) !== 0,
    attribute: flags & 7,
    lun,
    initiatorTaskTag,
    expectedBytes,
    cmdSn,
    expStatSn,
    cdb,
    expectedReadBytes,
    data,
  };
}

/** §11.2.2: AHSLength counts what is after the type, the reserved byte too, and no padding. */
function readAhs(reader: Reader): { readonly type: number; readonly content: Uint8Array } {
  const length = reader.u16() - 1;
  const type = reader.u8() & 0x3f;
  reader.skip(1);
  if (length < 0) reader.fail();
  const content = reader.take(length);
  reader.skip(padded(length) - length);
  return { type, content };
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

export function scsiCommandAhsBytes(pdu: ScsiCommand): number {
  const more = pdu.cdb.length - CDB_BYTES;
  const extended = more > 0 ? AHS_START_BYTES + padded(more) : 0;
  return extended + (pdu.expectedReadBytes === undefined ? 0 : AHS_START_BYTES + 4);
}

export function putScsiCommand(writer: Writer, pdu: ScsiCommand, dataBytes: number): Writer {
  const flags =
    (pdu.final ? FINAL : 0) | (pdu.read ? READ : 0) | (pdu.write ? WRITE : 0) | pdu.attribute;
  const opcode = pdu.opcode | (pdu.immediate ? IMMEDIATE : 0);
  putStart(writer, opcode, [flags, 0, 0], dataBytes, scsiCommandAhsBytes(pdu));
  writer.u64(pdu.lun).u32(pdu.initiatorTaskTag).u32(pdu.expectedBytes);
  writer.u32(pdu.cmdSn).u32(pdu.expStatSn).put(pdu.cdb.subarray(0, CDB_BYTES));
  const more = pdu.cdb.subarray(CDB_BYTES);
  if (more.length > 0) {
    writer
      .u16(more.length + 1)
      .u8(AhsType.EXTENDED_CDB)
      .u8(0)
      .put(more);
    writer.zeros(padded(more.length) - more.length);
  }
  if (pdu.expectedReadBytes !== undefined) {
    writer.u16(5).u8(AhsType.EXPECTED_READ).u8(0).u32(pdu.expectedReadBytes);
  }
  return writer;
}

export function decodeScsiResponse(reader: Reader, data: Uint8Array): ScsiResponse {
  const flags = reader.u8();
  const response = reader.u8();
  const status = reader.u8();
  reader.skip(12);
  const initiatorTaskTag = reader.u32();
  reader.skip(4);
  const numbers = readNumbers(reader);
  const expDataSn = reader.u32();
  const readCount = reader.u32();
  const count = reader.u32();
  return {
    opcode: Opcode.SCSI_RESPONSE,
    response,
    status,
    initiatorTaskTag,
    ...numbers,
    expDataSn,
    residual: residualOf(count, flags & OVERFLOW, flags & UNDERFLOW),
    readResidual: residualOf(readCount, flags & READ_OVERFLOW, flags & READ_UNDERFLOW),
    data,
  };
}

export function putScsiResponse(writer: Writer, pdu: ScsiResponse): Writer {
  const flags = FINAL | residualFlags(pdu.residual) | (residualFlags(pdu.readResidual) << 2);
  putStart(writer, pdu.opcode, [flags, pdu.response, pdu.status], pdu.data.length);
  writer.zeros(8).u32(pdu.initiatorTaskTag).u32(0);
  putNumbers(writer, pdu).u32(pdu.expDataSn);
  return writer.u32(Math.abs(pdu.readResidual)).u32(Math.abs(pdu.residual));
}

/** Underflow is positive, overflow negative. */
export function residualOf(count: number, overflow: number, underflow: number): number {
  if (overflow !== 0) return 0 - count;
  return underflow === 0 ? 0 : count;
}

export function residualFlags(residual: number): number {
  if (residual === 0) return 0;
  return residual > 0 ? UNDERFLOW : OVERFLOW;
}
