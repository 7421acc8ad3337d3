import { STORM_RPC_CALLS_MAX } from "../../limits.ts";
import type { Instant } from "../../net/clock.ts";
import { LAST_FRAGMENT } from "../../rpc/record.ts";

/** Calls of ONC RPC version 2 (RFC 5531 §9), written by hand: nothing here is shared with the servers that they are sent to. */

const RPC_VERSION = 2;
const AUTH_SYS = 1;
const MACHINE_NAME_BYTES_MAX = 64;

export interface Procedure {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
}

/** One call and its place: used again when it was answered. `T`: what it is about. */
export class Call<T> {
  readonly about: T;
  readonly place: number;
  readonly #bytes: Buffer;
  /** The same bytes: V8 makes one instruction of what is written by it. */
  readonly #view: DataView;
  #end = 0;
  /** Grows with each use of the place: replies to calls before are told apart. */
  #turn: number;
  sentAt = 0 as Instant;
  /** Sent, or to be: an answer is wanted. */
  isAsked = false;
  /** On the connection that there is. */
  isSent = false;
  /** On any. */
  wasSent = false;

  constructor(about: T, place: number, turn: number, bytesMax: number) {
    this.about = about;
    this.place = place;
    this.#turn = turn;
    this.#bytes = Buffer.allocUnsafe(bytesMax);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, bytesMax);
  }

  get xid(): number {
    return (this.#turn * STORM_RPC_CALLS_MAX + this.place) >>> 0;
  }

  /** As on the wire, with its mark. */
  get length(): number {
    return this.#end;
  }

  /** A new call. `credential`: XDR of credential and verifier. */
  begin({ program, version, procedure }: Procedure, credential: Uint8Array): this {
    this.#turn = (this.#turn + 1) % (2 ** 32 / STORM_RPC_CALLS_MAX);
    this.#end = 4;
    this.wasSent = this.isSent = false;
    this.u32(this.xid).u32(0).u32(RPC_VERSION);
    return this.u32(program).u32(version).u32(procedure).put(credential);
  }

  u32(value: number): this {
    this.#view.setUint32(this.#end, value);
    this.#end += 4;
    return this;
  }

  put(bytes: Uint8Array): this {
    this.#bytes.set(bytes, this.#end);
    this.#end += bytes.length;
    return this;
  }

  /** A safe integer as 64 bits. */
  size64(value: number): this {
    return this.u32(Math.floor(value / 0x1_0000_0000)).u32(value);
  }

  finish(): this {
    this.#view.setUint32(0, LAST_FRAGMENT + this.#end - 4);
    return this;
  }

  copyTo(target: Buffer, at: number): void {
    this.#bytes.copy(target, at, 0, this.#end);
  }
}

/** RFC 5531 §8.2: flavor AUTH_NONE, no bytes; twice. */
export const noCredential: Uint8Array = Buffer.alloc(16);

/** RFC 5531 appendix A, as Linux' kernel sends it for the superuser: stamp 0, no further groups. */
export function rootCredential(machine: string): Uint8Array {
  const name = opaque(Buffer.from(machine.slice(0, MACHINE_NAME_BYTES_MAX), "latin1"));
  const head = Buffer.alloc(12);
  head.writeUInt32BE(AUTH_SYS, 0);
  head.writeUInt32BE(4 + name.length + 12, 4);
  return Buffer.concat([head, name, Buffer.alloc(12 + 8)]);
}

/** RFC 4506 §4.10: length, bytes, zeros up to the next multiple of four. */
export function opaque(bytes: Uint8Array): Buffer {
  const written = Buffer.alloc(4 + ((bytes.length + 3) & ~3));
  written.writeUInt32BE(bytes.length, 0);
  written.set(bytes, 4);
  return written;
}
