import { u16 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { dataIn, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";
import { PRODUCT, padded, VENDOR } from "./identification.ts";
import { vitalProductData } from "./vital-product-data.ts";

const EVPD = 0x01;
const CMDDT = 0x02;
const REVISION = "0001";
const STANDARD_BYTES = 96;
const VERSION_SPC_4 = 0x06;
const HISUP = 0x10;
const RESPONSE_DATA_FORMAT = 0x02;
const CMDQUE = 0x02;
/** SPC-4 table 147: SAM-5, SPC-4, SBC-3, iSCSI, each with no version claimed. */
const VERSION_DESCRIPTORS = [0x00a0, 0x0460, 0x04c0, 0x0960];

/** SPC-4 table 141: there is a disk; there can be none at this logical unit number. */
const DISK = 0x00;
const NO_UNIT = 0x7f;

export const operations: readonly Operation[] = [
  {
    name: "INQUIRY",
    opcode: 0x12,
    serviceAction: undefined,
    usage: [0x12, EVPD, 0xff, 0xff, 0xff, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "identify",
    run: inquiry,
  },
];

/** SPC-4 §6.4: answered for any logical unit number. */
function inquiry(unit: Unit, { cdb, lun }: Command): Result {
  const flags = cdb[1] ?? 0;
  const pageCode = cdb[2] ?? 0;
  const peripheral = lun === 0 ? DISK : NO_UNIT;
  if ((flags & CMDDT) !== 0) return invalidField(0, 1, 1);
  if ((flags & EVPD) === 0) {
    return pageCode === 0 ? dataIn(standard(peripheral), u16(cdb, 3)) : invalidField(0, 2);
  }
  const page = vitalProductData(unit, pageCode);
  if (page === undefined) return invalidField(0, 2);
  page[0] = peripheral;
  return dataIn(page, u16(cdb, 3));
}

/** SPC-4 §6.4.2 */
function standard(peripheral: number): Uint8Array {
  const data = new Uint8Array(STANDARD_BYTES);
  data[0] = peripheral;
  data[2] = VERSION_SPC_4;
  data[3] = HISUP | RESPONSE_DATA_FORMAT;
  data[4] = STANDARD_BYTES - 5;
  data[7] = CMDQUE;
  data.set(padded(VENDOR, 8), 8);
  data.set(padded(PRODUCT, 16), 16);
  data.set(padded(REVISION, 4), 32);
  const view = new DataView(data.buffer);
  for (const [at, version] of VERSION_DESCRIPTORS.entries()) view.setUint16(58 + 2 * at, version);
  return data;
}
