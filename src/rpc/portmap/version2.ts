import type { Tell } from "../../watch/events.ts";
import { type RpcCall, successReply } from "../message.ts";
import type { RpcProgram, RpcResult } from "../program.ts";
import { isRead } from "../xdr.ts";
import { type Binding, findBinding, type Netid, PORTMAP_PROGRAM } from "./bindings.ts";

/**
 * Version 2 (RFC 1833 §3), which klibc's nfsmount, GRUB and libnfs speak. CALLIT, which calls other programs for a
 * client, is not here: it lends the server's address to whoever asks. RFC 1833 §3.2 has it silent where the call fails,
 * so that a broadcast is not answered by every host without the program; broadcasts do not reach us, and PROC_UNAVAIL,
 * which is shorter than any call, tells the one who waits.
 */
const Procedure = { NULL: 0, SET: 1, UNSET: 2, GETPORT: 3, DUMP: 4 } as const;
/** IANA protocol numbers. */
const protocols = { tcp: 6, udp: 17 } as const satisfies Record<Netid, number>;

export function portmapVersion2(
  bindings: () => readonly Binding[],
  tell: Tell = () => {},
): RpcProgram {
  return {
    program: PORTMAP_PROGRAM,
    version: 2,
    call(call, { address }) {
      switch (call.procedure) {
        case Procedure.NULL:
          return isRead(call.args) ? successReply(call.xid, 0).full() : "garbage-arguments";
        case Procedure.SET:
        case Procedure.UNSET:
        case Procedure.GETPORT:
          return byMapping(call, bindings(), (program, port) =>
            tell({ kind: "portmap", address, program, port }),
          );
        case Procedure.DUMP:
          return isRead(call.args) ? dump(call, bindings()) : "garbage-arguments";
        default:
          return "unknown-procedure";
      }
    },
  };
}

/** SET, UNSET and GETPORT take a mapping. Nobody registers here: the first two answer FALSE, which is 0 as well. */
function byMapping(
  { xid, procedure, args }: RpcCall,
  bindings: readonly Binding[],
  told: (program: number, port: number) => void,
): RpcResult {
  const program = args.u32();
  const version = args.u32();
  const protocol = args.u32();
  args.u32();
  if (!isRead(args)) return "garbage-arguments";
  const netid = netidOf(protocol);
  const found =
    procedure === Procedure.GETPORT && netid !== undefined
      ? findBinding(bindings, { program, version, netid })
      : undefined;
  const port = found?.port ?? 0;
  if (procedure === Procedure.GETPORT) told(program, port);
  return successReply(xid, 4).u32(port).full();
}

function netidOf(protocol: number): Netid | undefined {
  if (protocol === protocols.tcp) return "tcp";
  return protocol === protocols.udp ? "udp" : undefined;
}

/** A linked list: TRUE and a mapping, …, FALSE. */
function dump({ xid }: RpcCall, bindings: readonly Binding[]): RpcResult {
  const writer = successReply(xid, bindings.length * 20 + 4);
  for (const { program, version, netid, port } of bindings) {
    writer.u32(1).u32(program).u32(version).u32(protocols[netid]).u32(port);
  }
  return writer.u32(0).full();
}
