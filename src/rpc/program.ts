import type { Ipv4 } from "../bytes/ipv4.ts";
import { isMalformed, type Malformed } from "../bytes/malformed.ts";
import type { Reader } from "../bytes/reader.ts";
import type { Traffic } from "../net/traffic.ts";
import type { Protocol, Tell } from "../watch/events.ts";
import type { Credentials } from "./credentials.ts";
import {
  decodeCall,
  deniedReply,
  failureReply,
  mismatchReply,
  type Reply,
  type RpcCall,
} from "./message.ts";

/** At once where it is known, later where the disk must be asked. */
export type Later<T> = T | Promise<T>;

/** Goes on with a value without a promise where it is there already. */
export function whenKnown<T, R>(value: Later<T>, next: (value: T) => Later<R>): Later<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

export type RpcResult = Reply | "unknown-procedure" | "garbage-arguments";

/** One version of one program. */
export interface RpcProgram {
  readonly program: number;
  readonly version: number;
  /** Its calls are added to it; else to that of its service. */
  readonly traffic?: Traffic | undefined;
  call(call: RpcCall, client: RpcClient): Later<RpcResult>;
}

/** The other end of the connection that a call came in on. */
export interface RpcClient {
  readonly address: Ipv4;
  readonly credentials: Credentials;
  /** The answer to this call can take so many bytes; to be said before the call returns. */
  expect(bytes: number): void;
}

export interface RpcService {
  /** In whose name refusals are counted. */
  readonly protocol: Protocol;
  readonly programs: readonly RpcProgram[];
  /** Calls that are executed are added to it, and all bytes of connections. */
  readonly traffic?: Traffic | undefined;
  readonly tell: Tell;
  readonly report: (what: string, error: unknown) => void;
}

/** Answers one record. Malformed: it was no call, and what follows on the stream cannot be trusted either. */
export function answerRecord(
  service: RpcService,
  record: Reader,
  client: RpcClient,
): Later<Reply> | Malformed {
  const call = decodeCall(record, client.credentials);
  if (isMalformed(call)) return call;
  if ("denied" in call) {
    refuse(service, call.denied);
    return deniedReply(call);
  }
  for (const program of service.programs) {
    if (program.program === call.program && program.version === call.version) {
      return execute(service, program, call, client);
    }
  }
  const versions = service.programs
    .filter((entry) => entry.program === call.program)
    .map((entry) => entry.version);
  if (versions.length === 0) {
    refuse(service, "unknown-program");
    return failureReply(call.xid, "PROG_UNAVAIL");
  }
  refuse(service, "unknown-version");
  return mismatchReply(call.xid, Math.min(...versions), Math.max(...versions));
}

function execute(
  service: RpcService,
  program: RpcProgram,
  call: RpcCall,
  client: RpcClient,
): Later<Reply> {
  const traffic = program.traffic ?? service.traffic;
  if (traffic !== undefined) traffic.calls += 1;
  const failed = (error: unknown): Reply => {
    service.report(`RPC ${call.program} procedure ${call.procedure}`, error);
    return failureReply(call.xid, "SYSTEM_ERR");
  };
  const finish = (result: RpcResult): Reply => replyFor(service, call, result);
  try {
    const result = program.call(call, client);
    return result instanceof Promise ? result.then(finish).catch(failed) : finish(result);
  } catch (error) {
    return failed(error);
  }
}

function replyFor(service: RpcService, call: RpcCall, result: RpcResult): Reply {
  if (typeof result !== "string") return result;
  refuse(service, result);
  return failureReply(call.xid, result === "unknown-procedure" ? "PROC_UNAVAIL" : "GARBAGE_ARGS");
}

export function refuse(service: RpcService, reason: string): void {
  service.tell({ kind: "refused", protocol: service.protocol, reason });
}
