import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { conflict, good, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

const PREVENT = 0x03;
/** SPC-4 table 229: the others were for changers. */
const ALLOW = 0;
const PREVENT_REMOVAL = 1;

export const operations: readonly Operation[] = [
  {
    name: "PREVENT ALLOW MEDIUM REMOVAL",
    opcode: 0x1e,
    serviceAction: undefined,
    usage: [0x1e, 0x00, 0x00, 0x00, PREVENT, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "always",
    run: preventAllow,
  },
];

/** SPC-4 §6.18: the medium cannot be removed anyway. Asking for that needs the disk not to be another's, allowing it does not. */
function preventAllow(unit: Unit, { cdb, nexus }: Command): Result {
  const prevent = (cdb[4] ?? 0) & PREVENT;
  if (prevent === ALLOW) return good();
  if (prevent !== PREVENT_REMOVAL) return invalidField(0, 4, 1);
  return unit.reservations.permits(nexus, "manage") ? good() : conflict();
}
