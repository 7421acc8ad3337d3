import type { Nexus, Result, TaskAttribute } from "../../src/scsi/command.ts";
import { Disk } from "../../src/scsi/disk.ts";
import { MemoryVolume, type MemoryVolumeOptions } from "./memory-volume.ts";

export interface Sent {
  readonly data?: Uint8Array | readonly Uint8Array[];
  readonly lun?: number;
  readonly attribute?: TaskAttribute;
  /** For what comes back. */
  readonly room?: number;
}

/** One side of a nexus: sends CDBs as they would come from the wire. */
export class Initiator implements Nexus {
  readonly initiatorPort: string;
  readonly #disk: Disk;

  constructor(disk: Disk, name = "one") {
    this.initiatorPort = `iqn.2026-01.test:${name},i,0x00023d000001`;
    this.#disk = disk;
    disk.attach(this);
    this.send([0]);
  }

  execute(
    cdb: readonly number[],
    { data = [], lun = 0, attribute = "simple", room = 2 ** 32 }: Sent = {},
  ): Result | Promise<Result> {
    const dataOut = data instanceof Uint8Array ? [data] : data;
    return this.#disk.execute({
      nexus: this,
      cdb: padded(cdb),
      lun,
      attribute,
      dataOut,
      dataOutBytes: dataOut.reduce((sum, part) => sum + part.length, 0),
      dataInRoom: room,
    });
  }

  /** Must be answered at once. */
  send(cdb: readonly number[], sent: Sent = {}): Result {
    const result = this.execute(cdb, sent);
    if (result instanceof Promise) throw new Error("answered later");
    return result;
  }
}

export interface Bench {
  readonly volume: MemoryVolume;
  readonly disk: Disk;
  readonly initiator: Initiator;
  readonly reported: readonly unknown[];
}

export function bench(options: MemoryVolumeOptions): Bench {
  const reported: unknown[] = [];
  const volume = new MemoryVolume(options);
  const disk = new Disk({
    volume,
    identity: { name: "iqn.2026-01.test:disk", serial: "0123456789" },
    report: (_, error) => reported.push(error),
  });
  return { volume, disk, initiator: new Initiator(disk), reported };
}

/** iSCSI pads CDBs to 16 bytes (RFC 7143 §11.3.5). */
export function padded(cdb: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes.set(cdb);
  return bytes;
}

/** Forms of CDBs that name blocks: opcode, flags of byte 1, first block, number of blocks. */
export function cdb10(opcode: number, flags: number, lba: number, count: number): number[] {
  return [opcode, flags, ...be(lba, 4), 0, ...be(count, 2), 0];
}

export function cdb12(opcode: number, flags: number, lba: number, count: number): number[] {
  return [opcode, flags, ...be(lba, 4), ...be(count, 4), 0, 0];
}

export function cdb16(
  opcode: number,
  flags: number,
  lba: number | bigint,
  count: number,
): number[] {
  return [opcode, flags, ...be(lba, 8), ...be(count, 4), 0, 0];
}

/** Big-endian. */
export function be(value: number | bigint, bytes: number): number[] {
  const digits = BigInt.asUintN(bytes * 8, BigInt(value)).toString(16);
  return [...Buffer.from(digits.padStart(bytes * 2, "0"), "hex")];
}

export function pattern(blocks: number, seed: number): Uint8Array {
  return Uint8Array.from({ length: blocks * 512 }, (_, at) => (at * 7 + (at >> 9) + seed) & 0xff);
}

/** What was read, in one piece and given back. */
export function taken(result: Result): Uint8Array {
  const bytes = Buffer.concat(result.dataIn);
  result.release?.();
  return Uint8Array.from(bytes);
}

/** Quicker than `toEqual` for what is long. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** Sense key, additional sense code and its qualifier as `5/24/00`; the status alone where there is no sense. */
export function told({ status, sense }: Result): string {
  const hex = (value = 0): string => value.toString(16).padStart(2, "0");
  if (sense === undefined) return `status ${hex(status)}`;
  return `${((sense[2] ?? 0) & 0x0f).toString(16)}/${hex(sense[12])}/${hex(sense[13])}`;
}

export const GOOD = "status 00";
