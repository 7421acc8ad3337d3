import { Writer } from "../../bytes/writer.ts";
import { u16 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import { blockDescriptor, PageControl } from "../mode-pages.ts";
import type { Operation } from "../operation.ts";
import { check, dataIn, invalidField } from "../result.ts";
import { Additional, SenseKey } from "../sense.ts";
import type { Unit } from "../unit.ts";

const LLBAA = 0x10;
const DBD = 0x08;
const PAGE_CODE = 0x3f;

/** SBC-3 §6.5.1: the device-specific parameter. */
const WP = 0x80;
const DPOFUA = 0x10;

export const operations: readonly Operation[] = [
  {
    name: "MODE SENSE(6)",
    opcode: 0x1a,
    serviceAction: undefined,
    usage: [0x1a, DBD, 0xff, 0xff, 0xff, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "manage",
    run: modeSense6,
  },
  {
    name: "MODE SENSE(10)",
    opcode: 0x5a,
    serviceAction: undefined,
    usage: [0x5a, LLBAA | DBD, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "manage",
    run: modeSense10,
  },
];

/** SPC-4 §6.13 */
function modeSense6(unit: Unit, { cdb }: Command): Result {
  const pages = pagesOf(unit, cdb);
  if (!(pages instanceof Uint8Array)) return pages;
  const blocks = hasDescriptor(cdb) ? blockDescriptor(unit.volume.bytes, false) : [];
  const rest = [0, deviceSpecific(unit), blocks.length, ...blocks, ...pages];
  return dataIn(Uint8Array.of(rest.length, ...rest), cdb[4] ?? 0);
}

/** SPC-4 §6.14 */
function modeSense10(unit: Unit, { cdb }: Command): Result {
  const pages = pagesOf(unit, cdb);
  if (!(pages instanceof Uint8Array)) return pages;
  const isLong = ((cdb[1] ?? 0) & LLBAA) !== 0;
  const blocks = hasDescriptor(cdb) ? blockDescriptor(unit.volume.bytes, isLong) : [];
  const length = 6 + blocks.length + pages.length;
  const data = new Writer(2 + length).u16(length).u8(0).u8(deviceSpecific(unit));
  data
    .u8(isLong ? 1 : 0)
    .u8(0)
    .u16(blocks.length);
  data.put(Uint8Array.of(...blocks, ...pages));
  return dataIn(data.finish(), u16(cdb, 7));
}

/** Bytes of the pages that are asked for. */
function pagesOf(unit: Unit, cdb: Uint8Array): Uint8Array | Result {
  const control = (cdb[2] ?? 0) >> 6;
  if (control === PageControl.SAVED) {
    return check(SenseKey.ILLEGAL_REQUEST, ...Additional.SAVING_PARAMETERS_NOT_SUPPORTED);
  }
  const code = (cdb[2] ?? 0) & PAGE_CODE;
  const pages = unit.modes.read(code, cdb[3] ?? 0, control);
  return pages === undefined ? invalidField(0, 2, 5) : Uint8Array.from(pages);
}

function hasDescriptor(cdb: Uint8Array): boolean {
  return ((cdb[1] ?? 0) & DBD) === 0;
}

function deviceSpecific({ volume, modes }: Unit): number {
  return DPOFUA | (volume.isReadOnly || modes.isWriteProtected ? WP : 0);
}
