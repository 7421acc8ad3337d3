import { Reader } from "../../bytes/reader.ts";
import { u32 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { parameterList } from "../parameter-list.ts";
import { type Outcome, type Reservations, ReservationType } from "../reservations.ts";
import {
  check,
  conflict,
  good,
  invalidField,
  invalidParameter,
  parameterListLengthError,
} from "../result.ts";
import { Additional, SenseKey } from "../sense.ts";
import type { Unit } from "../unit.ts";

/** SPC-4 §6.16.3: the list without SPEC_I_PT. */
const LIST_BYTES = 24;
const SPEC_I_PT = 0x08;
const APTPL = 0x01;

interface Request {
  readonly port: string;
  /** RESERVATION KEY: what the initiator port is registered with. */
  readonly key: bigint;
  /** SERVICE ACTION RESERVATION KEY: what it is about. */
  readonly actionKey: bigint;
}

type Action = (reservations: Reservations, request: Request) => Outcome;
type TypedAction = (reservations: Reservations, request: Request, type: ReservationType) => Outcome;

/**
 * SPC-4 §6.16. Each runs alone: when PREEMPT answers, what the preempted nexus had written before is written, and
 * what it sends afterwards is refused. So nothing is left for PREEMPT AND ABORT to abort.
 */
export const operations: readonly Operation[] = [
  untyped("REGISTER", 0x00, (to, { port, key, actionKey }) => to.register(port, key, actionKey)),
  typed("RESERVE", 0x01, (to, { port, key }, type) => to.reservePersistently(port, key, type)),
  typed("RELEASE", 0x02, (to, { port, key }, type) => to.releasePersistently(port, key, type)),
  untyped("CLEAR", 0x03, (to, { port, key }) => to.clear(port, key)),
  typed("PREEMPT", 0x04, preempt),
  typed("PREEMPT AND ABORT", 0x05, preempt),
  untyped("REGISTER AND IGNORE EXISTING KEY", 0x06, (to, { port, actionKey }) =>
    to.register(port, undefined, actionKey),
  ),
];

function preempt(to: Reservations, request: Request, type: ReservationType): Outcome {
  return to.preempt(request.port, request.key, request.actionKey, type);
}

function untyped(name: string, serviceAction: number, action: Action): Operation {
  return operation(name, serviceAction, 0x00, (unit, command) => asked(unit, command, action));
}

/** SPC-4 §6.16.2: scope and type of the reservation in byte 2. */
function typed(name: string, serviceAction: number, action: TypedAction): Operation {
  return operation(name, serviceAction, 0xff, (unit, command) => {
    const type = Object.values(ReservationType).find((one) => one === command.cdb[2]);
    if (type === undefined) {
      return invalidField(listBytes(command.cdb), 2, isUnitScope(command.cdb) ? 3 : 7);
    }
    return asked(unit, command, (to, request) => action(to, request, type));
  });
}

function isUnitScope(cdb: Uint8Array): boolean {
  return (cdb[2] ?? 0) >> 4 === 0;
}

function operation(
  name: string,
  serviceAction: number,
  scopeAndType: number,
  run: (unit: Unit, command: Command) => Result,
): Operation {
  return {
    name: `PERSISTENT RESERVE OUT, ${name}`,
    opcode: 0x5f,
    serviceAction,
    usage: [0x5f, serviceAction, scopeAndType, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0x00],
    dataOutWanted: listBytes,
    isExclusive: true,
    access: "always",
    run,
  };
}

/** A list of another length is not looked at. */
function listBytes(cdb: Uint8Array): number {
  return u32(cdb, 5) === LIST_BYTES ? LIST_BYTES : 0;
}

function asked({ reservations }: Unit, command: Command, action: Action): Result {
  const wanted = listBytes(command.cdb);
  if (reservations.isReserved) return conflict(wanted);
  const list = parameterList(command, LIST_BYTES);
  if (wanted !== LIST_BYTES || list === undefined) return parameterListLengthError(wanted);
  const flags = list[20] ?? 0;
  // SPC-4 table 225: neither other initiator ports nor keeping it over a restart. ALL_TG_PT is the one there is.
  if ((flags & SPEC_I_PT) !== 0) return invalidParameter(wanted, 20, 3);
  if ((flags & APTPL) !== 0) return invalidParameter(wanted, 20, 0);
  const reader = new Reader(list);
  const port = command.nexus.initiatorPort;
  return told(action(reservations, { port, key: reader.u64(), actionKey: reader.u64() }));
}

function told(outcome: Outcome): Result {
  const wanted = LIST_BYTES;
  switch (outcome) {
    case "done":
      return good([], { wanted });
    case "conflict":
      return conflict(wanted);
    case "wrong-key":
      return invalidParameter(wanted, 8);
    case "wrong-release": {
      const why = Additional.INVALID_RELEASE_OF_PERSISTENT_RESERVATION;
      return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted });
    }
    case "no-room": {
      const why = Additional.INSUFFICIENT_REGISTRATION_RESOURCES;
      return check(SenseKey.ILLEGAL_REQUEST, ...why, { wanted });
    }
  }
}
