import { u32 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { dataIn, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

export const operations: readonly Operation[] = [
  {
    name: "REPORT LUNS",
    opcode: 0xa0,
    serviceAction: undefined,
    usage: [0xa0, 0x00, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "identify",
    run: reportLuns,
  },
];

/** SPC-4 table 258 */
const Select = { ADDRESSABLE: 0x00, WELL_KNOWN: 0x01, ALL: 0x02 } as const;

/** SPC-4 §6.33: there is logical unit 0, and no well-known one. */
function reportLuns(_unit: Unit, { cdb }: Command): Result {
  const select = cdb[2] ?? 0;
  if (select > Select.ALL) return invalidField(0, 2);
  const count = select === Select.WELL_KNOWN ? 0 : 1;
  const list = new Uint8Array(8 + 8 * count);
  list[3] = 8 * count;
  return dataIn(list, u32(cdb, 6));
}
