import { Writer } from "../../bytes/writer.ts";
import { u16 } from "../cdb.ts";
import type { Command, Result } from "../command.ts";
import type { Operation } from "../operation.ts";
import { type Registration, type Reservations, ReservationType } from "../reservations.ts";
import { conflict, dataIn } from "../result.ts";
import type { Unit } from "../unit.ts";
import { terminated } from "./identification.ts";

/** SPC-4 §6.15 */
export const operations: readonly Operation[] = [
  operation("PERSISTENT RESERVE IN, READ KEYS", 0x00, readKeys),
  operation("PERSISTENT RESERVE IN, READ RESERVATION", 0x01, readReservation),
  operation("PERSISTENT RESERVE IN, REPORT CAPABILITIES", 0x02, reportCapabilities),
  operation("PERSISTENT RESERVE IN, READ FULL STATUS", 0x03, readFullStatus),
];

function operation(
  name: string,
  serviceAction: number,
  data: (reservations: Reservations) => Uint8Array,
): Operation {
  return {
    name,
    opcode: 0x5e,
    serviceAction,
    usage: [0x5e, serviceAction, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0x00],
    dataOutWanted: () => 0,
    isExclusive: false,
    access: "always",
    run: ({ reservations }: Unit, { cdb }: Command): Result =>
      // SPC-4 §5.12.3: what RESERVE took, and what is persistent, know nothing of one another.
      reservations.isReserved ? conflict() : dataIn(data(reservations), u16(cdb, 7)),
  };
}

function readKeys(reservations: Reservations): Uint8Array {
  const registrations = reservations.registrations();
  const data = headed(reservations, 8 * registrations.length);
  for (const { key } of registrations) data.u64(key);
  return data.finish();
}

/** SPC-4 §6.15.3: no key where all registrants hold it. */
function readReservation(reservations: Reservations): Uint8Array {
  const { reservation } = reservations;
  if (reservation === undefined) return headed(reservations, 0).finish();
  const { holder, type } = reservation;
  const held = reservations.registrations().find(({ port }) => port === holder);
  return headed(reservations, 16)
    .u64(held?.key ?? 0n)
    .u32(0)
    .u8(0)
    .u8(type)
    .u16(0)
    .finish();
}

function headed({ generation }: Reservations, length: number): Writer {
  return new Writer(8 + length).u32(generation).u32(length);
}

/** SPC-4 §6.15.4 */
function reportCapabilities(): Uint8Array {
  const LENGTH = 8;
  /** RESERVE and RELEASE get along with registrations (§5.12.3). */
  const CRH = 0x10;
  /** ALL_TG_PT is accepted: there is one target port. */
  const ATP_C = 0x04;
  /** TYPE MASK is valid; TEST UNIT READY is allowed through each type. */
  const TMV = 0x80;
  const ALLOW_COMMANDS_001B = 0x10;
  const types = Object.values(ReservationType).reduce((mask, type) => mask | maskOf(type), 0);
  return new Writer(LENGTH)
    .u16(LENGTH)
    .u8(CRH | ATP_C)
    .u8(TMV | ALLOW_COMMANDS_001B)
    .u16(types)
    .u16(0)
    .finish();
}

/** SPC-4 table 238: type 1 is bit 1 of the first byte, … type 8 is bit 0 of the second. */
function maskOf(type: ReservationType): number {
  return type < 8 ? 1 << (8 + type) : 1 << (type - 8);
}

/** SPC-4 §6.15.5 */
function readFullStatus(reservations: Reservations): Uint8Array {
  const statuses = reservations.registrations().map((one) => fullStatus(reservations, one));
  const length = statuses.reduce((sum, { length }) => sum + length, 0);
  const data = headed(reservations, length);
  for (const status of statuses) data.put(status);
  return data.finish();
}

function fullStatus(reservations: Reservations, { port, key }: Registration): Uint8Array {
  const R_HOLDER = 0x01;
  const isHolder = reservations.isHolder(port);
  const id = transportId(port);
  return new Writer(24 + id.length)
    .u64(key)
    .u32(0)
    .u8(isHolder ? R_HOLDER : 0)
    .u8(isHolder ? (reservations.reservation?.type ?? 0) : 0)
    .u32(0)
    .u16(1)
    .u32(id.length)
    .put(id)
    .finish();
}

/** SPC-4 §7.6.4.6: iSCSI, by name and ISID. */
function transportId(port: string): Uint8Array {
  const FORMAT_PORT_ISCSI = 0x45;
  const name = terminated(port, 20);
  return new Writer(4 + name.length)
    .u8(FORMAT_PORT_ISCSI)
    .u8(0)
    .u16(name.length)
    .put(name)
    .finish();
}
