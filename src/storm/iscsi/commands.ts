import { STORM_ISCSI_TASK_BYTES_MAX } from "../../limits.ts";
import type { ScsiCommand } from "../trace/trace.ts";

/** SCSI commands as a trace has them, for another volume than the recorded one: SPC-4, SBC-3. */

export const Operation = {
  TEST_UNIT_READY: 0x00,
  INQUIRY: 0x12,
  READ_CAPACITY_10: 0x25,
  WRITE_SAME_10: 0x41,
  UNMAP: 0x42,
  WRITE_SAME_16: 0x93,
  SERVICE_IN_16: 0x9e,
  REPORT_LUNS: 0xa0,
} as const;

/** SBC-3 §5.16: of SERVICE ACTION IN(16). */
const READ_CAPACITY_16 = 0x10;

const names = new Map<number, string>([
  [0x00, "TEST UNIT READY"],
  [0x08, "READ(6)"],
  [0x0a, "WRITE(6)"],
  [0x12, "INQUIRY"],
  [0x15, "MODE SELECT(6)"],
  [0x1a, "MODE SENSE(6)"],
  [0x25, "READ CAPACITY(10)"],
  [0x28, "READ(10)"],
  [0x2a, "WRITE(10)"],
  [0x2f, "VERIFY(10)"],
  [0x35, "SYNCHRONIZE CACHE(10)"],
  [0x41, "WRITE SAME(10)"],
  [0x42, "UNMAP"],
  [0x5a, "MODE SENSE(10)"],
  [0x88, "READ(16)"],
  [0x8a, "WRITE(16)"],
  [0x8f, "VERIFY(16)"],
  [0x91, "SYNCHRONIZE CACHE(16)"],
  [0x93, "WRITE SAME(16)"],
  [0xa0, "REPORT LUNS"],
  [0xa3, "REPORT SUPPORTED OPERATION CODES"],
  [0xa8, "READ(12)"],
  [0xaa, "WRITE(12)"],
]);

export function operationName(cdb: Uint8Array): string {
  const [operation = 0] = cdb;
  if (isReadCapacity16(cdb)) return "READ CAPACITY(16)";
  return names.get(operation) ?? `operation ${operation.toString(16).padStart(2, "0")}h`;
}

export function isReadCapacity16([operation, action = 0]: Uint8Array): boolean {
  return operation === Operation.SERVICE_IN_16 && (action & 0x1f) === READ_CAPACITY_16;
}

/** Standard data (SPC-4 §6.4.2), not a page of vital product data. */
export function isStandardInquiry([operation, flags = 0]: Uint8Array): boolean {
  return operation === Operation.INQUIRY && (flags & 1) === 0;
}

/** Blocks that a command is about. */
export interface Extent {
  readonly lba: number;
  readonly blocks: number;
}

/** Where a CDB has its address and number of blocks: places of their first bytes, and how many those are. */
interface Form {
  readonly lba: readonly [at: number, bytes: number];
  readonly blocks: readonly [at: number, bytes: number];
}

const ten: Form = { lba: [2, 4], blocks: [7, 2] };
const twelve: Form = { lba: [2, 4], blocks: [6, 4] };
const sixteen: Form = { lba: [2, 8], blocks: [10, 4] };

const forms = new Map<number, Form>([
  ...[0x28, 0x2a, 0x2e, 0x2f, 0x34, 0x35, 0x41].map((operation) => [operation, ten] as const),
  ...[0xa8, 0xaa, 0xae, 0xaf].map((operation) => [operation, twelve] as const),
  ...[0x88, 0x8a, 0x8e, 0x8f, 0x90, 0x91, 0x93].map((operation) => [operation, sixteen] as const),
]);

/** Undefined: it is about the disk, not about blocks of it. */
export function extentOf(cdb: Buffer): Extent | undefined {
  const form = forms.get(cdb[0] ?? 0);
  if (form === undefined || cdb.length < form.blocks[0] + form.blocks[1]) return undefined;
  return { lba: readAt(cdb, form.lba), blocks: readAt(cdb, form.blocks) };
}

/**
 * The command where the volume has such blocks: addresses beyond its end are taken modulo its size, and begin at a page
 * as they mostly do. Undefined: the volume is smaller than the command.
 */
export function placed(cdb: Buffer, extent: Extent, volumeBlocks: number): Extent | undefined {
  const form = forms.get(cdb[0] ?? 0);
  const room = volumeBlocks - extent.blocks;
  if (form === undefined || room < 0 || extent.lba <= room) {
    return room < 0 ? undefined : extent;
  }
  const lba = extent.lba % (room + 1);
  const moved = { lba: lba - (lba % BLOCKS_A_PAGE), blocks: extent.blocks };
  writeAt(cdb, form.lba, moved.lba);
  return moved;
}

const BLOCKS_A_PAGE = 8;

function readAt(cdb: Buffer, [at, bytes]: Form["lba"]): number {
  const high = bytes === 8 ? cdb.readUInt32BE(at) * 2 ** 32 : 0;
  return bytes === 8 ? high + cdb.readUInt32BE(at + 4) : cdb.readUIntBE(at, bytes);
}

function writeAt(cdb: Buffer, [at, bytes]: Form["lba"], value: number): void {
  if (bytes === 8) {
    cdb.writeUInt32BE(Math.floor(value / 2 ** 32), at);
    cdb.writeUInt32BE(value >>> 0, at + 4);
  } else cdb.writeUIntBE(value, at, bytes);
}

/** Undefined: it is none that can be sent. */
export function cdbOf({ cdb, bytes }: ScsiCommand): Buffer | undefined {
  const isFit = /^(?:[0-9a-f]{2}){6,16}$/i.test(cdb) && bytes <= STORM_ISCSI_TASK_BYTES_MAX;
  return isFit ? Buffer.from(cdb, "hex") : undefined;
}

/** SBC-3 §5.28: a parameter list that unmaps nothing; which blocks it was, a trace does not say. */
export function emptyUnmap(bytes: number): Buffer {
  const list = Buffer.alloc(bytes);
  if (bytes < 8) return list;
  list.writeUInt16BE(bytes - 2, 0);
  list.writeUInt16BE(bytes - 8, 2);
  return list;
}
