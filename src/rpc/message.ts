import { type Malformed, malformed } from "../bytes/malformed.ts";
import type { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { Arena } from "./arena.ts";
import { AUTH_BYTES_MAX, AuthFlavor, type Credential, type Credentials } from "./credentials.ts";
import { LAST_FRAGMENT } from "./record.ts";
import { readOpaque } from "./xdr.ts";

/**
 * ONC RPC version 2 (RFC 5531 §9) as a server needs it: calls are read, replies written with their record mark
 * in front. Credentials: AUTH_NONE and AUTH_SYS.
 *
 *   call:   xid | CALL | rpcvers 2 | program | version | procedure | credential | verifier | arguments
 *   reply:  mark | xid | REPLY | MSG_ACCEPTED | verifier AUTH_NONE, length 0 | accept_stat | results
 */

const MessageType = { CALL: 0, REPLY: 1 } as const;
const ReplyStat = { ACCEPTED: 0, DENIED: 1 } as const;
const RejectStat = { RPC_MISMATCH: 0, AUTH_ERROR: 1 } as const;
const AuthStat = { "bad-credential": 1, "bad-verifier": 3 } as const;
const RPC_VERSION = 2;

/** RFC 5531 §9: accept_stat. */
export const AcceptStat = {
  SUCCESS: 0,
  PROG_UNAVAIL: 1,
  PROG_MISMATCH: 2,
  PROC_UNAVAIL: 3,
  GARBAGE_ARGS: 4,
  SYSTEM_ERR: 5,
} as const;

export interface RpcCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** Undefined: AUTH_NONE. */
  readonly credential: Credential | undefined;
  /** At the first byte of the arguments, in the received record: to be read at once, not later. */
  readonly args: Reader;
}

/** A call that gets MSG_DENIED. */
export interface DeniedCall {
  readonly xid: number;
  readonly denied: "wrong-rpc-version" | "bad-credential" | "bad-verifier";
}

export function decodeCall(
  reader: Reader,
  credentials: Credentials,
): RpcCall | DeniedCall | Malformed {
  const xid = reader.u32();
  const type = reader.u32();
  const rpcVersion = reader.u32();
  if (reader.failed || type !== MessageType.CALL) return malformed("malformed");
  if (rpcVersion !== RPC_VERSION) return { xid, denied: "wrong-rpc-version" };
  const program = reader.u32();
  const version = reader.u32();
  const procedure = reader.u32();
  const credential = credentials.read(reader);
  const verifierFlavor = reader.u32();
  const verifierBytes = readOpaque(reader, AUTH_BYTES_MAX).length;
  if (reader.failed) return malformed("malformed");
  if (credential === "bad") return { xid, denied: "bad-credential" };
  // RFC 5531 §8.2, appendix A: with these flavors the verifier is AUTH_NONE, and empty.
  if (verifierFlavor !== AuthFlavor.NONE || verifierBytes > 0) {
    return { xid, denied: "bad-verifier" };
  }
  return { xid, program, version, procedure, credential, args: reader };
}

/** What leaves together, in one write; its first bytes are the record mark. */
export type Reply = Writer | LongReply;

/** With results that are sent from where they are, and are free when they were sent. */
export interface LongReply {
  readonly head: Writer;
  readonly parts: readonly Uint8Array[];
  readonly release: () => void;
}

/** All of it, in pieces. */
export function piecesOf(reply: Reply): readonly Uint8Array[] {
  return reply instanceof Writer ? [reply.finish()] : [reply.head.finish(), ...reply.parts];
}

const MARK_BYTES = 4;
/** xid, REPLY, MSG_ACCEPTED, verifier's flavor and length, accept_stat. */
const ACCEPTED_BYTES = 24;

const arena = new Arena();

/**
 * Room for a successful reply of `resultBytes`, its header written, waiting for the results. `partBytes` of
 * results follow in parts of their own.
 */
export function successReply(xid: number, resultBytes: number, partBytes = 0): Writer {
  return accepted(xid, AcceptStat.SUCCESS, resultBytes, partBytes);
}

/** RFC 5531 §9: accepted, but not executed. */
export function failureReply(
  xid: number,
  status: "PROG_UNAVAIL" | "PROC_UNAVAIL" | "GARBAGE_ARGS" | "SYSTEM_ERR",
): Reply {
  return accepted(xid, AcceptStat[status], 0, 0).full();
}

/** The program is here, but not that version of it. */
export function mismatchReply(xid: number, low: number, high: number): Reply {
  return accepted(xid, AcceptStat.PROG_MISMATCH, 8, 0).u32(low).u32(high).full();
}

export function deniedReply({ xid, denied }: DeniedCall): Reply {
  const isVersion = denied === "wrong-rpc-version";
  const writer = header(xid, ReplyStat.DENIED, isVersion ? 24 : 20);
  if (isVersion) {
    writer.u32(RejectStat.RPC_MISMATCH).u32(RPC_VERSION).u32(RPC_VERSION);
  } else writer.u32(RejectStat.AUTH_ERROR).u32(AuthStat[denied]);
  return writer.full();
}

function accepted(xid: number, status: number, resultBytes: number, partBytes: number): Writer {
  const writer = header(xid, ReplyStat.ACCEPTED, ACCEPTED_BYTES + resultBytes, partBytes);
  return writer.u32(AuthFlavor.NONE).u32(0).u32(status);
}

function header(xid: number, status: number, bytes: number, partBytes = 0): Writer {
  const writer = arena.writer(MARK_BYTES + bytes);
  writer.u32(LAST_FRAGMENT + bytes + partBytes);
  return writer.u32(xid).u32(MessageType.REPLY).u32(status);
}
