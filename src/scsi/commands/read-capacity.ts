import { Writer } from "../../bytes/writer.ts";
import { VOLUME_BLOCK_BYTES } from "../../limits.ts";
import { capacityOf } from "../blocks.ts";
import { u32 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { dataIn } from "../result.ts";
import type { Unit } from "../unit.ts";

/** SBC-3 §5.16.2: blocks that are given back read as zeros. */
const LBPME = 0x80;
const LBPRZ = 0x40;

/** SBC-3 §5.15: the last block, as far as 32 bits go; SBC-2's address and PMI mean nothing any more. */
export const readCapacity10: Operation = {
  name: "READ CAPACITY(10)",
  opcode: 0x25,
  serviceAction: undefined,
  usage: [0x25, ...Array<number>(9).fill(0)],
  dataOutWanted: () => 0,
  isExclusive: false,
  access: "always",
  run: (unit) => {
    const last = Math.min(capacityOf(unit) - 1, 0xffff_ffff);
    return dataIn(new Writer(8).u32(last).u32(VOLUME_BLOCK_BYTES).finish(), 8);
  },
};

/** SBC-3 §5.16 */
export const readCapacity16: Operation = {
  name: "READ CAPACITY(16)",
  opcode: 0x9e,
  serviceAction: 0x10,
  usage: [0x9e, 0x10, ...Array<number>(8).fill(0), 0xff, 0xff, 0xff, 0xff, 0, 0],
  dataOutWanted: () => 0,
  isExclusive: false,
  access: "always",
  run: capacity16,
};

/** No protection information. LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT 0: each block can be given back alone. */
function capacity16(unit: Unit, { cdb }: Command): Result {
  const bytes = new Writer(32).size64(capacityOf(unit) - 1).u32(VOLUME_BLOCK_BYTES);
  bytes
    .u8(0)
    .u8(0)
    .u8(LBPME | LBPRZ)
    .u8(0)
    .zeros(16);
  return dataIn(bytes.finish(), u32(cdb, 10));
}
