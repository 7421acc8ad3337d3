import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import {
  IMMEDIATE,
  Opcode,
  putNumbers,
  putStart,
  readNumbers,
  type TargetNumbers,
} from "./header.ts";

/** RFC 7143 §11.12.3: what a login is about at a time. 2 is reserved. */
export const Stage = { SECURITY: 0, OPERATIONAL: 1, FULL_FEATURE: 3 } as const;

interface LoginFields {
  /** T: to the next stage. */
  readonly transit: boolean;
  /** C: the text goes on in the next PDU. */
  readonly continues: boolean;
  /** Current and next stage, 0 to 3. */
  readonly csg: number;
  readonly nsg: number;
  readonly versionMax: number;
  /** 12 hexadecimal digits, lower case. */
  readonly isid: string;
  readonly tsih: number;
  readonly initiatorTaskTag: number;
  /** Pairs of keys and values; where decoded, a view into what was received. */
  readonly data: Uint8Array;
}

/** §11.12 */
export interface LoginRequest extends LoginFields {
  readonly opcode: typeof Opcode.LOGIN_REQUEST;
  readonly versionMin: number;
  readonly cid: number;
  readonly cmdSn: number;
  readonly expStatSn: number;
}

/** §11.13 */
export interface LoginResponse extends LoginFields, TargetNumbers {
  readonly opcode: typeof Opcode.LOGIN_RESPONSE;
  readonly versionActive: number;
  readonly statusClass: number;
  readonly statusDetail: number;
}

const TRANSIT = 0x80;
const CONTINUES = 0x40;

export function decodeLoginRequest(reader: Reader, data: Uint8Array): LoginRequest {
  const flags = reader.u8();
  const versionMax = reader.u8();
  const versionMin = reader.u8();
  reader.skip(4);
  const isid = hex(reader.take(6));
  const tsih = reader.u16();
  const initiatorTaskTag = reader.u32();
  const cid = reader.u16();
  reader.skip(2);
  const cmdSn = reader.u32();
  const expStatSn = reader.u32();
  return {
    opcode: Opcode.LOGIN_REQUEST,
    ...readFlags(flags),
    versionMax,
    versionMin,
    isid,
    tsih,
    initiatorTaskTag,
    cid,
    cmdSn,
    expStatSn,
    data,
  };
}

export function decodeLoginResponse(reader: Reader, data: Uint8Array): LoginResponse {
  const flags = reader.u8();
  const versionMax = reader.u8();
  const versionActive = reader.u8();
  reader.skip(4);
  const isid = hex(reader.take(6));
  const tsih = reader.u16();
  const initiatorTaskTag = reader.u32();
  reader.skip(4);
  const numbers = readNumbers(reader);
  const statusClass = reader.u8();
  const statusDetail = reader.u8();
  return {
    opcode: Opcode.LOGIN_RESPONSE,
    ...readFlags(flags),
    versionMax,
    versionActive,
    isid,
    tsih,
    initiatorTaskTag,
    ...numbers,
    statusClass,
    statusDetail,
    data,
  };
}

/** §11.12: a login request is always immediate, and has no bit for it to be otherwise. */
export function putLoginRequest(writer: Writer, pdu: LoginRequest): Writer {
  const start = [flagsOf(pdu), pdu.versionMax, pdu.versionMin] as const;
  putStart(writer, pdu.opcode | IMMEDIATE, start, pdu.data.length);
  writer.put(Buffer.from(pdu.isid, "hex")).u16(pdu.tsih).u32(pdu.initiatorTaskTag);
  return writer.u16(pdu.cid).u16(0).u32(pdu.cmdSn).u32(pdu.expStatSn).zeros(16);
}

export function putLoginResponse(writer: Writer, pdu: LoginResponse): Writer {
  const start = [flagsOf(pdu), pdu.versionMax, pdu.versionActive] as const;
  putStart(writer, pdu.opcode, start, pdu.data.length);
  writer.put(Buffer.from(pdu.isid, "hex")).u16(pdu.tsih).u32(pdu.initiatorTaskTag).u32(0);
  return putNumbers(writer, pdu).u8(pdu.statusClass).u8(pdu.statusDetail).zeros(10);
}

function readFlags(flags: number): Pick<LoginFields, "transit" | "continues" | "csg" | "nsg"> {
  return {
    transit: (flags & TRANSIT) !== 0,
    continues: (flags & CONTINUES) !== 0,
    csg: (flags >> 2) & 3,
    nsg: flags & 3,
  };
}

function flagsOf({ transit, continues, csg, nsg }: LoginFields): number {
  return (transit ? TRANSIT : 0) | (continues ? CONTINUES : 0) | (csg << 2) | nsg;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("hex");
}
