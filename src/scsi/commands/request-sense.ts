import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { dataIn } from "../result.ts";
import { Additional, inDescriptorFormat, SenseKey, senseOf } from "../sense.ts";
import type { Unit } from "../unit.ts";

const DESC = 0x01;

export const operations: readonly Operation[] = [
  {
    name: "REQUEST SENSE",
    opcode: 0x03,
    serviceAction: undefined,
    usage: [0x03, DESC, 0x00, 0x00, 0xff, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "identify",
    run: requestSense,
  },
];

/** SPC-4 §6.39: what would be told otherwise is told as data, and not again. */
function requestSense(unit: Unit, command: Command): Result {
  const sense = pendingSense(unit, command);
  const isDescriptor = ((command.cdb[1] ?? 0) & DESC) !== 0;
  return dataIn(isDescriptor ? inDescriptorFormat(sense) : sense, command.cdb[4] ?? 0);
}

function pendingSense(unit: Unit, { nexus, lun }: Command): Uint8Array {
  if (lun !== 0) {
    return senseOf(SenseKey.ILLEGAL_REQUEST, ...Additional.LOGICAL_UNIT_NOT_SUPPORTED);
  }
  const attention = unit.attentions.next(nexus);
  if (attention !== undefined) return senseOf(SenseKey.UNIT_ATTENTION, ...attention);
  if (unit.state.isStopped) {
    return senseOf(SenseKey.NOT_READY, ...Additional.NOT_READY_INITIALIZING_COMMAND_REQUIRED);
  }
  return senseOf(SenseKey.NO_SENSE, ...Additional.NONE);
}
