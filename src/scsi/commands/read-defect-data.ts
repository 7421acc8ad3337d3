import { u16, u32 } from "../cdb.ts";
import type { Operation } from "../operation.ts";
import { dataIn } from "../result.ts";

/** REQ_PLIST and REQ_GLIST: both lists are there, and empty. The format is given back as it is asked for. */
const LISTS_AND_FORMAT = 0x1f;

/** SBC-3 §5.17: what is below the volume takes care of its defects. */
export const readDefectData10: Operation = {
  name: "READ DEFECT DATA(10)",
  opcode: 0x37,
  serviceAction: undefined,
  usage: [0x37, 0, LISTS_AND_FORMAT, 0, 0, 0, 0, 0xff, 0xff, 0],
  dataOutWanted: () => 0,
  isExclusive: false,
  access: "read",
  run: (_, { cdb }) =>
    dataIn(Uint8Array.of(0, (cdb[2] ?? 0) & LISTS_AND_FORMAT, 0, 0), u16(cdb, 7)),
};

/** SBC-3 §5.18 */
export const readDefectData12: Operation = {
  name: "READ DEFECT DATA(12)",
  opcode: 0xb7,
  serviceAction: undefined,
  usage: [0xb7, LISTS_AND_FORMAT, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0],
  dataOutWanted: () => 0,
  isExclusive: false,
  access: "read",
  run: (_, { cdb }) =>
    dataIn(Uint8Array.of(0, (cdb[1] ?? 0) & LISTS_AND_FORMAT, 0, 0, 0, 0, 0, 0), u32(cdb, 6)),
};
