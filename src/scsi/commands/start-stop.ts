import type { Command } from "../command.ts";
import { flushing, following, type Outcome } from "../medium.ts";
import type { Operation } from "../operation.ts";
import { conflict, good, invalidField } from "../result.ts";
import type { Unit } from "../unit.ts";

const IMMED = 0x01;
const POWER_CONDITION = 0xf0;
const NO_FLUSH = 0x04;
const LOEJ = 0x02;
const START = 0x01;

/** SBC-3 table 105: as START says; as in normal operation. The disk has no idle and standby conditions. */
const START_VALID = 0x00;
const ACTIVE = 0x10;

export const operations: readonly Operation[] = [
  {
    name: "START STOP UNIT",
    opcode: 0x1b,
    serviceAction: undefined,
    usage: [0x1b, IMMED, 0x00, 0x00, POWER_CONDITION | NO_FLUSH | START, 0x00],
    dataOutWanted: () => 0,
    isExclusive: true,
    access: "always",
    run: startStop,
  },
];

/** SBC-3 §5.25. Nothing takes time but the flush, which IMMED does not put off: it would have no one to tell of errors. */
function startStop(unit: Unit, { cdb, nexus }: Command): Outcome {
  const flags = cdb[4] ?? 0;
  const condition = flags & POWER_CONDITION;
  if (condition !== START_VALID && condition !== ACTIVE) return invalidField(0, 4, 7);
  // The medium cannot be loaded or ejected.
  if (condition === START_VALID && (flags & LOEJ) !== 0) return invalidField(0, 4, 1);
  if (condition === START_VALID && (flags & START) !== 0) return started(unit);
  if (!unit.reservations.permits(nexus, "manage")) return conflict();
  if (condition === ACTIVE) return started(unit);
  const step = (flags & NO_FLUSH) === 0 ? flushing(unit, 0) : undefined;
  return following(step, (ended) => {
    if (ended === undefined) unit.state.isStopped = true;
    return ended ?? good();
  });
}

function started(unit: Unit): Outcome {
  unit.state.isStopped = false;
  return good();
}
