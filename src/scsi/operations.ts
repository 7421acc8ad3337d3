import { operations as cache } from "./commands/cache.ts";
import { compareAndWrite } from "./commands/compare-and-write.ts";
import { operations as inquiry } from "./commands/inquiry.ts";
import { getLbaStatus } from "./commands/lba-status.ts";
import { operations as modeSelect } from "./commands/mode-select.ts";
import { operations as modeSense } from "./commands/mode-sense.ts";
import { orwrite } from "./commands/orwrite.ts";
import { operations as persistentReserveIn } from "./commands/persistent-reserve-in.ts";
import { operations as persistentReserveOut } from "./commands/persistent-reserve-out.ts";
import { operations as preventAllow } from "./commands/prevent-allow.ts";
import { operations as read } from "./commands/read.ts";
import { readCapacity10, readCapacity16 } from "./commands/read-capacity.ts";
import { readDefectData10, readDefectData12 } from "./commands/read-defect-data.ts";
import { operations as reportLuns } from "./commands/report-luns.ts";
import { operations as requestSense } from "./commands/request-sense.ts";
import { operations as reserve } from "./commands/reserve.ts";
import { operations as startStop } from "./commands/start-stop.ts";
import { supportedOperations } from "./commands/supported-operations.ts";
import { operations as testUnitReady } from "./commands/test-unit-ready.ts";
import { unmap } from "./commands/unmap.ts";
import { operations as verify } from "./commands/verify.ts";
import { operations as write } from "./commands/write.ts";
import { operations as writeSame } from "./commands/write-same.ts";
import type { Operation } from "./operation.ts";

/** Every command that a disk knows. */
export const operations: readonly Operation[] = [
  ...testUnitReady,
  ...requestSense,
  ...inquiry,
  ...reportLuns,
  ...supportedOperations(() => operations),
  ...modeSense,
  ...modeSelect,
  ...startStop,
  ...preventAllow,
  ...reserve,
  ...persistentReserveIn,
  ...persistentReserveOut,
  readCapacity10,
  readCapacity16,
  readDefectData10,
  readDefectData12,
  ...read,
  ...write,
  ...verify,
  ...writeSame,
  compareAndWrite,
  orwrite,
  unmap,
  getLbaStatus,
  ...cache,
].toSorted((one, other) => keyOf(one) - keyOf(other));

const SERVICE_ACTION = 0x1f;

const byOpcode = Map.groupBy(operations, ({ opcode }) => opcode);

/** What a CDB asks for; else what is not known: its opcode or its service action. */
export function operationOf(cdb: Uint8Array): Operation | "no-opcode" | "no-action" {
  const found = byOpcode.get(cdb[0] ?? 0);
  if (found === undefined) return "no-opcode";
  const action = (cdb[1] ?? 0) & SERVICE_ACTION;
  for (const operation of found) {
    const { serviceAction } = operation;
    if (serviceAction === undefined || serviceAction === action) return operation;
  }
  return "no-action";
}

function keyOf({ opcode, serviceAction }: Operation): number {
  return opcode * 0x1_0000 + (serviceAction ?? 0);
}
