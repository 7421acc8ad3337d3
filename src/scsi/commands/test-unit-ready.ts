import type { Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { check, good } from "../result.ts";
import { Additional, SenseKey } from "../sense.ts";
import type { Unit } from "../unit.ts";

export const operations: readonly Operation[] = [
  {
    name: "TEST UNIT READY",
    opcode: 0x00,
    serviceAction: undefined,
    usage: [0x00, 0x00, 0x00, 0x00, 0x00, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "always",
    run: testUnitReady,
  },
];

/** SPC-4 §6.47; SBC-3 §4.20: not ready until START STOP UNIT starts it again. */
function testUnitReady({ state }: Unit): Result {
  if (!state.isStopped) return good();
  return check(SenseKey.NOT_READY, ...Additional.NOT_READY_INITIALIZING_COMMAND_REQUIRED);
}
