import { Attentions } from "../../src/scsi/attentions.ts";
import { Buffers } from "../../src/scsi/buffers.ts";
import type { Nexus, Result } from "../../src/scsi/command.ts";
import { operations as inquiry } from "../../src/scsi/commands/inquiry.ts";
import { operations as modeSelect } from "../../src/scsi/commands/mode-select.ts";
import { operations as modeSense } from "../../src/scsi/commands/mode-sense.ts";
import { operations as persistentIn } from "../../src/scsi/commands/persistent-reserve-in.ts";
import { operations as persistentOut } from "../../src/scsi/commands/persistent-reserve-out.ts";
import { operations as preventAllow } from "../../src/scsi/commands/prevent-allow.ts";
import { operations as reportLuns } from "../../src/scsi/commands/report-luns.ts";
import { operations as requestSense } from "../../src/scsi/commands/request-sense.ts";
import { operations as reserve } from "../../src/scsi/commands/reserve.ts";
import { operations as startStop } from "../../src/scsi/commands/start-stop.ts";
import { supportedOperations } from "../../src/scsi/commands/supported-operations.ts";
import { operations as testUnitReady } from "../../src/scsi/commands/test-unit-ready.ts";
import { ModePages } from "../../src/scsi/mode-pages.ts";
import type { Operation } from "../../src/scsi/operation.ts";
import { Reservations } from "../../src/scsi/reservations.ts";
import type { Unit } from "../../src/scsi/unit.ts";
import type { Volume, VolumeError } from "../../src/volume/volume.ts";

/** What these families have of a disk: no medium, as none of them looks at it. */

export const table: readonly Operation[] = [
  ...inquiry,
  ...modeSelect,
  ...modeSense,
  ...persistentIn,
  ...persistentOut,
  ...preventAllow,
  ...reportLuns,
  ...requestSense,
  ...reserve,
  ...startStop,
  ...testUnitReady,
  ...supportedOperations(() => table),
];

export const one: Nexus = { initiatorPort: "iqn.2013-04.zone.sidus:one,i,0x00023d000001" };
export const two: Nexus = { initiatorPort: "iqn.2013-04.zone.sidus:two,i,0x00023d000002" };
export const three: Nexus = { initiatorPort: "iqn.2013-04.zone.sidus:three,i,0x00023d000003" };

export interface SmallUnit extends Unit {
  readonly volume: Volume & {
    isReadOnly: boolean;
    flushes: number;
    error: VolumeError | undefined;
  };
}

/** 1 MiB: 2048 blocks, 800h. */
export function smallUnit(): SmallUnit {
  const attentions = new Attentions();
  for (const nexus of [one, two, three]) attentions.attach(nexus);
  return {
    volume: emptyVolume(),
    buffers: new Buffers(),
    identity: { name: "iqn.2013-04.zone.sidus.target:sidus1", serial: "5349445553000001" },
    attentions,
    reservations: new Reservations(attentions),
    modes: new ModePages(),
    state: { isStopped: false },
  };
}

function emptyVolume(): SmallUnit["volume"] {
  return {
    bytes: 1 << 20,
    isReadOnly: false,
    flushes: 0,
    error: undefined,
    read: (_, into) => {
      into.fill(0);
      return undefined;
    },
    write: () => undefined,
    flush() {
      this.flushes += 1;
      return this.error;
    },
    deallocate: () => undefined,
    clear: () => undefined,
    extent: () => ({ isAllocated: false, length: 1 << 20 }),
  };
}

export interface Asked {
  readonly nexus?: Nexus;
  readonly lun?: number;
  /** Hexadecimal, spaces for the reader. */
  readonly data?: string | Uint8Array;
}

/** Runs a CDB written in hexadecimal, filled up with zeros; the network brings its data in two parts. */
export function run(unit: Unit, cdb: string | Uint8Array, asked: Asked = {}): Result {
  const operation = operationOf(bytes(cdb));
  if (operation === undefined) throw new Error(`no operation for ${cdb}`);
  return runOperation(operation, unit, cdb, asked);
}

export function operationOf(cdb: Uint8Array): Operation | undefined {
  return table.find(
    ({ opcode, serviceAction }) =>
      opcode === cdb[0] &&
      (serviceAction === undefined || serviceAction === ((cdb[1] ?? 0) & 0x1f)),
  );
}

function runOperation(
  operation: Operation,
  unit: Unit,
  cdb: string | Uint8Array,
  { nexus = one, lun = 0, data = "" }: Asked,
): Result {
  const sent = bytes(data);
  const half = sent.length >> 1;
  const padded = new Uint8Array(16);
  padded.set(bytes(cdb));
  const result = operation.run(unit, {
    nexus,
    cdb: padded,
    lun,
    attribute: "simple",
    dataOut: sent.length === 0 ? [] : [sent.subarray(0, half), sent.subarray(half)],
    dataOutBytes: sent.length,
    dataInRoom: 2 ** 32,
  });
  if (result instanceof Promise) throw new Error("the volume answers at once, the command did not");
  return result;
}

export function bytes(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? Buffer.from(text.replaceAll(/\s/g, ""), "hex") : text;
}

/** What came, in hexadecimal. */
export function hex(result: Result): string {
  return Buffer.concat(result.dataIn).toString("hex");
}

/** Status, and what the sense says: `02 5/24/00`, with the field it points at: `02 5/24/00 c2.7`. */
export function told(result: Result): string {
  const status = result.status.toString(16).padStart(2, "0");
  const { sense } = result;
  if (sense === undefined) return status;
  const [key, asc, ascq] = [sense[2], sense[12], sense[13]].map((value = 0) => value.toString(16));
  const text = `${status} ${key}/${asc?.padStart(2, "0")}/${ascq?.padStart(2, "0")}`;
  const specific = sense[15] ?? 0;
  if ((specific & 0x80) === 0) return text;
  const bit = (specific & 0x08) === 0 ? "" : `.${specific & 7}`;
  return `${text} ${(specific & 0x40) === 0 ? "p" : "c"}${sense[17]}${bit}`;
}
