import { hash53 } from "../../bytes/hash.ts";
import { Writer } from "../../bytes/writer.ts";
import {
  SCSI_COMPARE_AND_WRITE_BLOCKS_MAX,
  SCSI_TRANSFER_BLOCKS_GRANULARITY,
  SCSI_TRANSFER_BLOCKS_MAX,
  SCSI_TRANSFER_BLOCKS_OPTIMAL,
  SCSI_UNMAP_BLOCKS_MAX,
  SCSI_UNMAP_DESCRIPTORS_MAX,
  SCSI_UNMAP_GRANULARITY_BLOCKS,
  SCSI_WRITE_SAME_BLOCKS_MAX,
} from "../../limits.ts";
import type { DiskIdentity, Unit } from "../unit.ts";
import { padded, terminated, VENDOR } from "./identification.ts";

type Page = (unit: Unit) => Uint8Array;

/** SPC-4 §7.8.1: in ascending order. */
const pages: ReadonlyMap<number, Page> = new Map<number, Page>([
  [0x00, () => Uint8Array.from(pages.keys())],
  [0x80, ({ identity }) => Buffer.from(identity.serial, "ascii")],
  [0x83, ({ identity }) => deviceIdentification(identity)],
  [0x86, extendedInquiry],
  [0xb0, blockLimits],
  [0xb1, blockDeviceCharacteristics],
  [0xb2, logicalBlockProvisioning],
]);

/** A page with its header, the peripheral device type still to be written; undefined where there is no such page. */
export function vitalProductData(unit: Unit, pageCode: number): Uint8Array | undefined {
  const body = pages.get(pageCode)?.(unit);
  if (body === undefined) return undefined;
  const writer = new Writer(4 + body.length).u8(0).u8(pageCode).u16(body.length);
  return writer.put(body).finish();
}

const CodeSet = { BINARY: 1, ASCII: 2, UTF_8: 3 } as const;
const Association = { UNIT: 0, TARGET_PORT: 1, TARGET_DEVICE: 2 } as const;
const ISCSI = 5;
const PROTOCOL_VALID = 0x80;

/** SPC-4 §7.8.5: who this is, for initiators that tell disks apart by it. The target port is the only one, 0001h. */
function deviceIdentification({ name, serial }: DiskIdentity): Uint8Array {
  const one = Uint8Array.of(0, 0, 0, 1);
  return Buffer.concat([
    designator(CodeSet.BINARY, Association.UNIT, 3, locallyAssignedName(name)),
    designator(
      CodeSet.ASCII,
      Association.UNIT,
      1,
      Buffer.concat([padded(VENDOR, 8), Buffer.from(serial, "ascii")]),
    ),
    designator(CodeSet.BINARY, Association.TARGET_PORT, 4, one),
    designator(CodeSet.BINARY, Association.TARGET_PORT, 5, one),
    designator(CodeSet.UTF_8, Association.TARGET_PORT, 8, terminated(`${name},t,0x0001`)),
    designator(CodeSet.UTF_8, Association.TARGET_DEVICE, 8, terminated(name)),
  ]);
}

/** SPC-4 table 459. */
function designator(
  codeSet: number,
  association: number,
  type: number,
  value: Uint8Array,
): Uint8Array {
  const protocol = association === Association.UNIT ? 0 : ISCSI;
  const valid = association === Association.UNIT ? 0 : PROTOCOL_VALID;
  return new Writer(4 + value.length)
    .u8((protocol << 4) | codeSet)
    .u8(valid | (association << 4) | type)
    .u8(0)
    .u8(value.length)
    .put(value)
    .finish();
}

/** SPC-4 §7.8.5.6.3: NAA 3h, and what we make of the target's name. It must never change. */
function locallyAssignedName(target: string): Uint8Array {
  const writer = new Writer(8).size64(hash53(target));
  const bytes = writer.finish();
  bytes[0] = 0x30 | (hash53(`${target},l,0`) & 0x0f);
  return bytes;
}

/** SPC-4 §7.8.7: all task attributes but ACA, and a volatile cache. */
function extendedInquiry(): Uint8Array {
  const HEADSUP = 0x04;
  const ORDSUP = 0x02;
  const SIMPSUP = 0x01;
  const V_SUP = 0x01;
  return new Writer(60)
    .u8(0)
    .u8(HEADSUP | ORDSUP | SIMPSUP)
    .u8(V_SUP)
    .zeros(57)
    .finish();
}

/** SBC-3 §6.6.4 */
function blockLimits(): Uint8Array {
  const WSNZ = 0x01;
  const UGAVALID_ALIGNED = 0x8000_0000;
  const NO_PREFETCH_LIMIT = 0;
  return new Writer(60)
    .u8(WSNZ)
    .u8(SCSI_COMPARE_AND_WRITE_BLOCKS_MAX)
    .u16(SCSI_TRANSFER_BLOCKS_GRANULARITY)
    .u32(SCSI_TRANSFER_BLOCKS_MAX)
    .u32(SCSI_TRANSFER_BLOCKS_OPTIMAL)
    .u32(NO_PREFETCH_LIMIT)
    .u32(SCSI_UNMAP_BLOCKS_MAX)
    .u32(SCSI_UNMAP_DESCRIPTORS_MAX)
    .u32(SCSI_UNMAP_GRANULARITY_BLOCKS)
    .u32(UGAVALID_ALIGNED)
    .size64(SCSI_WRITE_SAME_BLOCKS_MAX)
    .zeros(20)
    .finish();
}

/** SBC-3 §6.6.2: nothing turns. */
function blockDeviceCharacteristics(): Uint8Array {
  const NON_ROTATING = 1;
  return new Writer(60).u16(NON_ROTATING).zeros(58).finish();
}

/** SBC-3 §6.6.6: UNMAP and WRITE SAME give blocks back, which read as zeros from then on. */
function logicalBlockProvisioning(): Uint8Array {
  const LBPU = 0x80;
  const LBPWS = 0x40;
  const LBPWS10 = 0x20;
  const LBPRZ = 0x04;
  const THIN = 2;
  return Uint8Array.of(0, LBPU | LBPWS | LBPWS10 | LBPRZ, THIN, 0);
}
