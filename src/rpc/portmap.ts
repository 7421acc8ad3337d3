import { type RpcCall, successReply } from "./message.ts";
import type { RpcProgram, RpcResult } from "./program.ts";
import { isRead } from "./xdr.ts";

/**
 * The portmapper, version 2 of program 100000 (RFC 1833 §3): tells at which TCP port a program is. Versions 3 and 4
 * (rpcbind) get PROG_MISMATCH, on which clients fall back to this one.
 */
export const PORTMAP_PROGRAM = 100_000;
export const PORTMAP_VERSION = 2;

const Procedure = { NULL: 0, SET: 1, UNSET: 2, GETPORT: 3, DUMP: 4 } as const;
const IPPROTO_TCP = 6;

export interface Mapping {
  readonly program: number;
  readonly version: number;
  readonly port: number;
}

export function portmapProgram(mappings: () => readonly Mapping[]): RpcProgram {
  return {
    program: PORTMAP_PROGRAM,
    version: PORTMAP_VERSION,
    call(call) {
      switch (call.procedure) {
        case Procedure.NULL:
          return isRead(call.args) ? [successReply(call.xid, 0).finish()] : "garbage-arguments";
        case Procedure.SET:
        case Procedure.UNSET:
        case Procedure.GETPORT:
          return byMapping(call, mappings());
        case Procedure.DUMP:
          return isRead(call.args) ? dump(call, mappings()) : "garbage-arguments";
        default:
          return "unknown-procedure";
      }
    },
  };
}

/** SET, UNSET and GETPORT take a mapping. Nobody registers here: the first two answer FALSE, which is 0 as well. */
function byMapping({ xid, procedure, args }: RpcCall, mappings: readonly Mapping[]): RpcResult {
  const program = args.u32();
  const version = args.u32();
  const protocol = args.u32();
  args.u32();
  if (!isRead(args)) return "garbage-arguments";
  const found =
    procedure === Procedure.GETPORT && protocol === IPPROTO_TCP
      ? mappings.find((entry) => entry.program === program && entry.version === version)
      : undefined;
  return [
    successReply(xid, 4)
      .u32(found?.port ?? 0)
      .finish(),
  ];
}

/** A linked list: TRUE and a mapping, …, FALSE. */
function dump({ xid }: RpcCall, mappings: readonly Mapping[]): RpcResult {
  const writer = successReply(xid, mappings.length * 20 + 4);
  for (const { program, version, port } of mappings) {
    writer.u32(1).u32(program).u32(version).u32(IPPROTO_TCP).u32(port);
  }
  return [writer.u32(0).finish()];
}
