import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { conflict, good, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

/** SPC-2 §7.16, §7.17, §7.21, §7.22: whole units, for the nexus itself. It is how old initiators keep others away. */

const THIRD_PARTY = 0x10;
const LONG_ID = 0x02;
const EXTENT = 0x01;

const six = [0x00, 0x00, 0x00, 0x00, 0x00];
const ten = [...six, 0x00, 0x00, 0x00, 0x00];

export const operations: readonly Operation[] = [
  // Whether it conflicts is for RESERVE itself to say: SPC-4 §5.12.3 has exceptions.
  operation("RESERVE(6)", 0x16, "always", six, reserve),
  operation("RELEASE(6)", 0x17, "release", six, release),
  operation("RESERVE(10)", 0x56, "always", ten, reserve),
  operation("RELEASE(10)", 0x57, "release", ten, release),
];

function operation(
  name: string,
  opcode: number,
  access: "always" | "release",
  rest: readonly number[],
  run: (unit: Unit, command: Command) => Result,
): Operation {
  return {
    name,
    opcode,
    serviceAction: undefined,
    usage: [opcode, ...rest],
    dataOutWanted: () => 0,
    isExclusive: true,
    access,
    run,
  };
}

function reserve({ reservations }: Unit, { cdb, nexus }: Command): Result {
  return unknownForm(cdb) ?? (reservations.reserve(nexus) ? good() : conflict());
}

function release({ reservations }: Unit, { cdb, nexus }: Command): Result {
  return unknownForm(cdb) ?? (reservations.release(nexus) ? good() : conflict());
}

/** Extents and third parties are obsolete, and were optional. */
function unknownForm(cdb: Uint8Array): Result | undefined {
  const wrong = (cdb[1] ?? 0) & (THIRD_PARTY | LONG_ID | EXTENT);
  return wrong === 0 ? undefined : invalidField(0, 1, 31 - Math.clz32(wrong));
}
