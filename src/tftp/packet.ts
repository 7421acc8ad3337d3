import { isUtf8 } from "node:buffer";
import { type Malformed, malformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
import { unreachable } from "../bytes/unreachable.ts";
import { Writer } from "../bytes/writer.ts";
import { TFTP_REQUEST_BYTES_MAX } from "../limits.ts";

/**
 * TFTP packets: RFC 1350 (the five of them), RFC 2347 (options and OACK).
 *
 *      2 bytes   string   1   string 1   string   1   string   1
 *     ┌────────┬──────────┬───┬──────┬───┬────────┬───┬───────┬───┐
 *     │  1, 2  │   name   │ 0 │ mode │ 0 │ option │ 0 │ value │ 0 │ …   RRQ, WRQ
 *     ├────────┼──────────┴───┴──────┴───┴────────┴───┴───────┴───┘
 *     │   3    │ block (2) │ data …                                     DATA
 *     │   4    │ block (2) │                                            ACK
 *     │   5    │ code (2)  │ text │ 0 │                                 ERROR
 *     │   6    │ option │ 0 │ value │ 0 │ …                             OACK
 *
 * Names are UTF-8, as they are in the tree; the other strings are latin1, which keeps every byte.
 */
export const Opcode = { RRQ: 1, WRQ: 2, DATA: 3, ACK: 4, ERROR: 5, OACK: 6 } as const;

export const ErrorCode = {
  NOT_DEFINED: 0,
  FILE_NOT_FOUND: 1,
  ACCESS_VIOLATION: 2,
  ILLEGAL_OPERATION: 4,
  UNKNOWN_TID: 5,
  OPTION_REFUSED: 8,
} as const;

/** As it was written: case and order mean nothing, but are kept. */
export interface Option {
  readonly name: string;
  readonly value: string;
}

export interface RequestPacket {
  readonly opcode: typeof Opcode.RRQ | typeof Opcode.WRQ;
  readonly name: string;
  readonly mode: string;
  readonly options: readonly Option[];
}

export interface DataPacket {
  readonly opcode: typeof Opcode.DATA;
  readonly block: number;
  /** A view into the datagram. */
  readonly data: Uint8Array;
}

export interface AckPacket {
  readonly opcode: typeof Opcode.ACK;
  readonly block: number;
}

export interface ErrorPacket {
  readonly opcode: typeof Opcode.ERROR;
  readonly code: number;
  readonly text: string;
}

export interface OackPacket {
  readonly opcode: typeof Opcode.OACK;
  readonly options: readonly Option[];
}

export type Packet = RequestPacket | DataPacket | AckPacket | ErrorPacket | OackPacket;

/** Opcode and block number before the data of a DATA packet. */
export const DATA_HEADER_BYTES = 4;

export function decode(bytes: Uint8Array): Packet | Malformed {
  const reader = new Reader(bytes);
  const opcode = reader.u16();
  switch (opcode) {
    case Opcode.RRQ:
    case Opcode.WRQ:
      return decodeRequest(opcode, reader);
    case Opcode.DATA: {
      const block = reader.u16();
      const data = reader.take(reader.remaining);
      return reader.failed ? malformed("DATA without a block number") : { opcode, block, data };
    }
    case Opcode.ACK: {
      const block = reader.u16();
      if (reader.failed || reader.remaining > 0) return malformed("ACK is not 4 bytes");
      return { opcode, block };
    }
    case Opcode.ERROR: {
      const code = reader.u16();
      const text = latin1(takeString(reader));
      if (reader.failed || reader.remaining > 0) return malformed("ERROR without its text");
      return { opcode, code, text };
    }
    case Opcode.OACK: {
      const options = decodeOptions(reader);
      return reader.failed ? malformed("OACK with half an option") : { opcode, options };
    }
    default:
      return malformed("unknown opcode");
  }
}

function decodeRequest(opcode: RequestPacket["opcode"], reader: Reader): RequestPacket | Malformed {
  if (reader.bytes.length > TFTP_REQUEST_BYTES_MAX) return malformed("request over 512 bytes");
  const name = takeString(reader);
  const mode = latin1(takeString(reader));
  const options = decodeOptions(reader);
  if (reader.failed) return malformed("request ends within a string");
  if (!isUtf8(name)) return malformed("name is not UTF-8");
  return { opcode, name: bufferOver(name).toString("utf8"), mode, options };
}

function decodeOptions(reader: Reader): Option[] {
  const options: Option[] = [];
  while (reader.remaining > 0 && !reader.failed) {
    const name = latin1(takeString(reader));
    options.push({ name, value: latin1(takeString(reader)) });
  }
  return options;
}

/** Up to the next NUL, which is taken too. */
function takeString(reader: Reader): Uint8Array {
  const end = reader.bytes.indexOf(0, reader.offset);
  if (end < 0) {
    reader.fail();
    return reader.take(0);
  }
  const text = reader.take(end - reader.offset);
  reader.skip(1);
  return text;
}

export function encode(packet: Packet): Uint8Array {
  switch (packet.opcode) {
    case Opcode.RRQ:
    case Opcode.WRQ: {
      const name = Buffer.from(packet.name, "utf8");
      const size = 2 + name.length + 1 + packet.mode.length + 1 + optionBytes(packet.options);
      const writer = new Writer(size).u16(packet.opcode).put(name).u8(0);
      putString(writer, packet.mode);
      return putOptions(writer, packet.options).finish();
    }
    case Opcode.DATA:
      return new Writer(DATA_HEADER_BYTES + packet.data.length)
        .u16(packet.opcode)
        .u16(packet.block)
        .put(packet.data)
        .finish();
    case Opcode.ACK:
      return new Writer(4).u16(packet.opcode).u16(packet.block).finish();
    case Opcode.ERROR: {
      const writer = new Writer(4 + packet.text.length + 1).u16(packet.opcode).u16(packet.code);
      return putString(writer, packet.text).finish();
    }
    case Opcode.OACK: {
      const writer = new Writer(2 + optionBytes(packet.options)).u16(packet.opcode);
      return putOptions(writer, packet.options).finish();
    }
    default:
      return unreachable(packet);
  }
}

/** Makes a buffer whose data is already in place a DATA packet: nothing is copied on the way out. */
export function writeDataHeader(datagram: Uint8Array, block: number): void {
  datagram[0] = 0;
  datagram[1] = Opcode.DATA;
  datagram[2] = block >>> 8;
  datagram[3] = block;
}

/** The block number of an ACK, which is nearly all that clients send; undefined: it is something else. */
export function ackedBlock(bytes: Uint8Array): number | undefined {
  if (bytes.length !== 4 || bytes[0] !== 0 || bytes[1] !== Opcode.ACK) return undefined;
  return ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0);
}

function optionBytes(options: readonly Option[]): number {
  return options.reduce((sum, { name, value }) => sum + name.length + value.length + 2, 0);
}

function putOptions(writer: Writer, options: readonly Option[]): Writer {
  for (const { name, value } of options) putString(putString(writer, name), value);
  return writer;
}

function putString(writer: Writer, text: string): Writer {
  return writer.put(Buffer.from(text, "latin1")).u8(0);
}

function latin1(bytes: Uint8Array): string {
  return bufferOver(bytes).toString("latin1");
}

function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
