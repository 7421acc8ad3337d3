import type { Volume } from "../volume/volume.ts";
import { Attentions } from "./attentions.ts";
import { Buffers } from "./buffers.ts";
import type { Command, Nexus, Result } from "./command.ts";
import { ModePages } from "./mode-pages.ts";
import type { Operation } from "./operation.ts";
import { operationOf } from "./operations.ts";
import { Reservations } from "./reservations.ts";
import { check, conflict, good, invalidField } from "./result.ts";
import { Additional, inDescriptorFormat, SenseKey } from "./sense.ts";
import { Status } from "./status.ts";
import { TaskSet } from "./task-set.ts";
import type { DiskIdentity, Unit } from "./unit.ts";

export interface DiskOptions {
  readonly volume: Volume;
  readonly identity: DiskIdentity;
  /** Those of many disks, to be shared; without it the disk has its own. */
  readonly buffers?: Buffers;
  /** A command broke: that is a mistake of ours. */
  readonly report: (what: string, error: unknown) => void;
}

/** Why everything starts anew: by task management, or because the target did. */
export type ResetCause = "lun" | "target" | "power-on";

const resetSense = {
  lun: Additional.DEVICE_RESET_OCCURRED,
  target: Additional.BUS_RESET_OCCURRED,
  "power-on": Additional.POWER_ON_OCCURRED,
} as const;

const aborted: Result = { ...good(), status: Status.TASK_ABORTED };

/** Logical unit 0 of one target, for any number of nexuses: a thin disk (SPC-4, SBC-3) that a volume is kept in. */
export class Disk {
  readonly #unit: Unit;
  readonly #report: DiskOptions["report"];
  readonly #tasks = new TaskSet<Result>();

  constructor({ volume, identity, buffers = new Buffers(), report }: DiskOptions) {
    const attentions = new Attentions();
    this.#report = report;
    this.#unit = {
      volume,
      buffers,
      identity,
      attentions,
      reservations: new Reservations(attentions),
      modes: new ModePages(),
      state: { isStopped: false },
    };
  }

  /** A session began. SAM-5 §5.14: it is told first that all it set before may be gone. */
  attach(nexus: Nexus): void {
    const { attentions } = this.#unit;
    attentions.attach(nexus);
    attentions.establish(nexus, Additional.POWER_ON_OCCURRED);
  }

  /** It ended: what RESERVE took is free, its tasks that wait never run. */
  detach(nexus: Nexus): void {
    this.#unit.attentions.detach(nexus);
    this.#unit.reservations.detach(nexus);
    this.#tasks.abandon(nexus, aborted);
  }

  /** Bytes that a CDB takes from the initiator; 0 where it takes none or is not known. */
  dataOutWanted(cdb: Uint8Array): number {
    const operation = operationOf(cdb);
    return typeof operation === "string" ? 0 : operation.dataOutWanted(cdb, this.#unit);
  }

  /** At once wherever the volume answers at once and no other task is in the way. */
  execute(command: Command): Result | Promise<Result> {
    const operation = operationOf(command.cdb);
    if (typeof operation === "string") return this.#told(unknown(operation));
    const control = controlAt(command.cdb);
    if (((command.cdb[control] ?? 0) & NACA) !== 0) return this.#told(invalidField(0, control, 2));
    if (command.lun !== 0) return this.#elsewhere(operation, command);
    const answer = this.#tasks.run({
      owner: command.nexus,
      isAlone: operation.isExclusive || command.attribute === "ordered",
      isFirst: command.attribute === "head-of-queue",
      start: () => this.#performed(operation, command),
    });
    return answer ?? { ...good(), status: Status.TASK_SET_FULL };
  }

  /** SAM-5 §6.3: tasks that wait end, modes are as at first, what RESERVE took is free; all but who asked for it hear of it. */
  reset(by: Nexus | undefined, cause: ResetCause): void {
    const { attentions, reservations, modes, state } = this.#unit;
    this.#tasks.abandon(undefined, aborted);
    reservations.reset();
    modes.reset();
    state.isStopped = false;
    attentions.establishWhere((nexus) => nexus !== by, resetSense[cause]);
  }

  /** Another nexus ended this one's tasks. */
  tellCleared(of: Nexus): void {
    this.#tasks.abandon(of, aborted);
    this.#unit.attentions.establish(of, Additional.COMMANDS_CLEARED_BY_ANOTHER_INITIATOR);
  }

  /** The volume has another size now. */
  resized(): void {
    this.#unit.attentions.establishWhere(() => true, Additional.CAPACITY_DATA_HAS_CHANGED);
  }

  /** SPC-4 §4.3.2: no other logical unit is there; some commands say so by what they answer. */
  #elsewhere(operation: Operation, command: Command): Result | Promise<Result> {
    if (operation.access === "identify") return this.#performed(operation, command);
    const wanted = operation.dataOutWanted(command.cdb, this.#unit);
    const why = Additional.LOGICAL_UNIT_NOT_SUPPORTED;
    return this.#told(check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted }));
  }

  /** Neither throws nor rejects. */
  #performed(operation: Operation, command: Command): Result | Promise<Result> {
    const refusal = this.#refused(operation, command);
    if (refusal !== undefined) return this.#told(refusal);
    try {
      const answer = operation.run(this.#unit, command);
      if (!(answer instanceof Promise)) return this.#told(answer);
      return answer.then(
        (result) => this.#told(result),
        (error) => this.#broken(operation, command, error),
      );
    } catch (error) {
      return this.#broken(operation, command, error);
    }
  }

  /** SAM-5 §5.14, SPC-4 §5.12.1: what happened meanwhile is told before anything runs, then whose disk it is. */
  #refused({ access, dataOutWanted }: Operation, { cdb, nexus }: Command): Result | undefined {
    if (access === "identify") return undefined;
    const { attentions, reservations } = this.#unit;
    const attention = attentions.next(nexus);
    if (attention !== undefined) {
      const wanted = dataOutWanted(cdb, this.#unit);
      return check(SenseKey.UNIT_ATTENTION, ...attention, { wanted });
    }
    if (reservations.permits(nexus, access)) return undefined;
    return conflict(dataOutWanted(cdb, this.#unit));
  }

  #broken({ name, dataOutWanted }: Operation, { cdb }: Command, error: unknown): Result {
    this.#report(name, error);
    const wanted = dataOutWanted(cdb, this.#unit);
    const why = Additional.INTERNAL_TARGET_FAILURE;
    return this.#told(check(SenseKey.HARDWARE_ERROR, ...why, { wanted }));
  }

  /** Sense data in the format that the control mode page says. */
  #told(result: Result): Result {
    if (result.sense === undefined || !this.#unit.modes.isDescriptorSense) return result;
    return { ...result, sense: inDescriptorFormat(result.sense) };
  }
}

/** SAM-5 §5.2: of no use to us, and INQUIRY says so (NORMACA=0). */
const NACA = 0x04;

/** SPC-4 §4.2: where the CONTROL byte is, by group code; of none that has no fixed form. */
function controlAt(cdb: Uint8Array): number {
  const group = (cdb[0] ?? 0) >> 5;
  return [5, 9, 9, -1, 15, 11, -1, -1][group] ?? -1;
}

function unknown(what: "no-opcode" | "no-action"): Result {
  if (what === "no-action") return invalidField(0, 1, 4);
  return check(SenseKey.ILLEGAL_REQUEST, ...Additional.INVALID_COMMAND_OPERATION_CODE);
}
