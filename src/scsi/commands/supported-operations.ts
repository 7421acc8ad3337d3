import { Writer } from "../../bytes/writer.ts";
import { u16, u32 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { dataIn, invalidField } from "../result.ts";

const MAINTENANCE_IN = 0xa3;
const RCTD = 0x80;
const OPTIONS = 0x07;
const REPD = 0x80;

/** SPC-4 table 254: what is asked about. */
const Report = { ALL: 0, OPCODE: 1, SERVICE_ACTION: 2, EITHER: 3 } as const;

/** `all`: the whole table that these are part of. */
export function supportedOperations(all: () => readonly Operation[]): readonly Operation[] {
  return [
    {
      name: "REPORT SUPPORTED OPERATION CODES",
      opcode: MAINTENANCE_IN,
      serviceAction: 0x0c,
      usage: [MAINTENANCE_IN, 0x0c, RCTD | OPTIONS, ...bytes(7), 0x00, 0x00],
      dataOutWanted: () => 0,
      isExclusive: false,
      access: "manage",
      run: (_unit, { cdb }) => reportOperations(all(), cdb),
    },
    {
      name: "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS",
      opcode: MAINTENANCE_IN,
      serviceAction: 0x0d,
      usage: [MAINTENANCE_IN, 0x0d, REPD, 0x00, 0x00, 0x00, ...bytes(4), 0x00, 0x00],
      dataOutWanted: () => 0,
      isExclusive: false,
      access: "manage",
      run: reportTaskManagement,
    },
  ];
}

function bytes(count: number): readonly number[] {
  return new Array<number>(count).fill(0xff);
}

/** SPC-4 §6.35 */
function reportOperations(all: readonly Operation[], cdb: Uint8Array): Result {
  const options = cdb[2] ?? 0;
  const hasTimeouts = (options & RCTD) !== 0;
  const report = options & OPTIONS;
  const room = u32(cdb, 6);
  if (report === Report.ALL) return dataIn(allOperations(all, hasTimeouts), room);
  if (report > Report.EITHER) return invalidField(0, 2, 2);
  const ofOpcode = all.filter(({ opcode }) => opcode === cdb[3]);
  const hasActions = ofOpcode.some(({ serviceAction }) => serviceAction !== undefined);
  if (report === Report.OPCODE && hasActions) return invalidField(0, 2, 2);
  if (report === Report.SERVICE_ACTION && ofOpcode.length > 0 && !hasActions) {
    return invalidField(0, 2, 2);
  }
  const action = u16(cdb, 4);
  const isPlain = !hasActions && (report === Report.OPCODE || action === 0);
  const wantedAction = isPlain ? undefined : action;
  const found = ofOpcode.find(({ serviceAction }) => serviceAction === wantedAction);
  return dataIn(found === undefined ? notSupported() : oneOperation(found, hasTimeouts), room);
}

/** SPC-4 §6.35.2 */
function allOperations(all: readonly Operation[], hasTimeouts: boolean): Uint8Array {
  const CTDP = 0x02;
  const SERVACTV = 0x01;
  const length = all.length * (8 + (hasTimeouts ? TIMEOUTS_BYTES : 0));
  const data = new Writer(4 + length).u32(length);
  for (const { opcode, serviceAction, usage } of all) {
    data
      .u8(opcode)
      .u8(0)
      .u16(serviceAction ?? 0)
      .u8(0);
    data.u8((hasTimeouts ? CTDP : 0) | (serviceAction === undefined ? 0 : SERVACTV));
    data.u16(usage.length);
    if (hasTimeouts) writeTimeouts(data);
  }
  return data.finish();
}

/** SPC-4 §6.35.3 */
function oneOperation({ usage }: Operation, hasTimeouts: boolean): Uint8Array {
  const CTDP = 0x80;
  const SUPPORTED = 3;
  const length = 4 + usage.length + (hasTimeouts ? TIMEOUTS_BYTES : 0);
  const data = new Writer(length).u8(0).u8((hasTimeouts ? CTDP : 0) | SUPPORTED);
  data.u16(usage.length).put(Uint8Array.from(usage));
  if (hasTimeouts) writeTimeouts(data);
  return data.finish();
}

function notSupported(): Uint8Array {
  const NOT_SUPPORTED = 1;
  return Uint8Array.of(0, NOT_SUPPORTED, 0, 0);
}

const TIMEOUTS_BYTES = 12;

/** SPC-4 §6.35.4: no times are promised. */
function writeTimeouts(data: Writer): void {
  data
    .u16(TIMEOUTS_BYTES - 2)
    .u16(0)
    .u32(0)
    .u32(0);
}

/** SPC-4 §6.36 */
function reportTaskManagement(_unit: unknown, { cdb }: Command): Result {
  const ABORT_TASK = 0x80;
  const ABORT_TASK_SET = 0x40;
  const CLEAR_TASK_SET = 0x10;
  const LOGICAL_UNIT_RESET = 0x08;
  const TARGET_RESET = 0x02;
  const EXTENDED_BYTES = 16;
  const room = u32(cdb, 6);
  if (room < 4) return invalidField(0, 6);
  const isExtended = ((cdb[2] ?? 0) & REPD) !== 0;
  const data = new Uint8Array(isExtended ? EXTENDED_BYTES : 4);
  data[0] = ABORT_TASK | ABORT_TASK_SET | CLEAR_TASK_SET | LOGICAL_UNIT_RESET | TARGET_RESET;
  if (isExtended) data[3] = EXTENDED_BYTES - 4;
  return dataIn(data, room);
}
