import { type Malformed, malformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
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
const AuthFlavor = { NONE: 0, SYS: 1 } as const;
const AuthStat = { "bad-credential": 1, "bad-verifier": 3 } as const;
const RPC_VERSION = 2;
/** RFC 5531 §8.2: opaque_auth. */
const AUTH_BYTES_MAX = 400;
/** RFC 5531 appendix A: machinename<255>, gids<16>. */
const MACHINE_NAME_BYTES_MAX = 255;
const GIDS_MAX = 16;

/** RFC 5531 §9: accept_stat. */
export const AcceptStat = {
  SUCCESS: 0,
  PROG_UNAVAIL: 1,
  PROG_MISMATCH: 2,
  PROC_UNAVAIL: 3,
  GARBAGE_ARGS: 4,
  SYSTEM_ERR: 5,
} as const;

/** Who calls, as AUTH_SYS says. */
export interface Credential {
  readonly uid: number;
  readonly gid: number;
  readonly gids: readonly number[];
}

export interface RpcCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  /** Undefined: AUTH_NONE. */
  readonly credential: Credential | undefined;
  /** At the first byte of the arguments; a view into the received record. */
  readonly args: Reader;
}

/** A call that gets MSG_DENIED. */
export interface DeniedCall {
  readonly xid: number;
  readonly denied: "wrong-rpc-version" | "bad-credential" | "bad-verifier";
}

export function decodeCall(record: Uint8Array): RpcCall | DeniedCall | Malformed {
  const reader = new Reader(record);
  const xid = reader.u32();
  const type = reader.u32();
  const rpcVersion = reader.u32();
  if (reader.failed || type !== MessageType.CALL) return malformed("malformed");
  if (rpcVersion !== RPC_VERSION) return { xid, denied: "wrong-rpc-version" };
  const program = reader.u32();
  const version = reader.u32();
  const procedure = reader.u32();
  const flavor = reader.u32();
  const body = readOpaque(reader, AUTH_BYTES_MAX);
  const verifierFlavor = reader.u32();
  const verifier = readOpaque(reader, AUTH_BYTES_MAX);
  if (reader.failed) return malformed("malformed");
  const credential = decodeCredential(flavor, body);
  if (credential === "bad") return { xid, denied: "bad-credential" };
  // RFC 5531 §8.2, appendix A: with these flavors the verifier is AUTH_NONE, and empty.
  if (verifierFlavor !== AuthFlavor.NONE || verifier.length > 0)
    return { xid, denied: "bad-verifier" };
  return { xid, program, version, procedure, credential, args: reader };
}

function decodeCredential(flavor: number, body: Uint8Array): Credential | undefined | "bad" {
  if (flavor === AuthFlavor.NONE) return undefined;
  if (flavor !== AuthFlavor.SYS) return "bad";
  const reader = new Reader(body);
  reader.skip(4); // stamp
  readOpaque(reader, MACHINE_NAME_BYTES_MAX);
  const uid = reader.u32();
  const gid = reader.u32();
  const count = reader.u32();
  if (count > GIDS_MAX) return "bad";
  const gids: number[] = [];
  for (let left = count; left > 0; left -= 1) gids.push(reader.u32());
  return reader.failed || reader.remaining > 0 ? "bad" : { uid, gid, gids };
}

/** What leaves together, in one write: the first part begins with the record mark. */
export type Reply = readonly Uint8Array[];

const MARK_BYTES = 4;
/** xid, REPLY, MSG_ACCEPTED, verifier's flavor and length, accept_stat. */
const ACCEPTED_BYTES = 24;

/**
 * A buffer for a successful reply of `resultBytes`, its header written, waiting for the results. `partBytes` of
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
  return [accepted(xid, AcceptStat[status], 0, 0).finish()];
}

/** The program is here, but not that version of it. */
export function mismatchReply(xid: number, low: number, high: number): Reply {
  return [accepted(xid, AcceptStat.PROG_MISMATCH, 8, 0).u32(low).u32(high).finish()];
}

export function deniedReply({ xid, denied }: DeniedCall): Reply {
  const isVersion = denied === "wrong-rpc-version";
  const writer = header(xid, ReplyStat.DENIED, isVersion ? 24 : 20);
  if (isVersion) {
    writer.u32(RejectStat.RPC_MISMATCH).u32(RPC_VERSION).u32(RPC_VERSION);
  } else writer.u32(RejectStat.AUTH_ERROR).u32(AuthStat[denied]);
  return [writer.finish()];
}

function accepted(xid: number, status: number, resultBytes: number, partBytes: number): Writer {
  const writer = header(xid, ReplyStat.ACCEPTED, ACCEPTED_BYTES + resultBytes, partBytes);
  return writer.u32(AuthFlavor.NONE).u32(0).u32(status);
}

function header(xid: number, status: number, bytes: number, partBytes = 0): Writer {
  const writer = new Writer(MARK_BYTES + bytes);
  writer.u32(LAST_FRAGMENT + bytes + partBytes);
  return writer.u32(xid).u32(MessageType.REPLY).u32(status);
}
