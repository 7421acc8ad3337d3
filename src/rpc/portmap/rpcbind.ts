import { ANY_ADDRESS, type Ipv4 } from "../../bytes/ipv4.ts";
import type { Reader } from "../../bytes/reader.ts";
import { RPCBIND_STRING_BYTES_MAX } from "../../limits.ts";
import { type Reply, type RpcCall, successReply } from "../message.ts";
import type { RpcProgram, RpcResult } from "../program.ts";
import { isRead, opaqueSize, readString, writeString } from "../xdr.ts";
import { type Binding, findBinding, type Netid, PORTMAP_PROGRAM } from "./bindings.ts";
import { addressIn, formatUniversal } from "./universal.ts";

/**
 * rpcbind, versions 3 and 4 (RFC 1833 §2), which Linux asks first.
 *
 * Not here, PROC_UNAVAIL: CALLIT, BCAST and INDIRECT, for the reasons that version2.ts gives; GETSTAT, as the counts
 * are elsewhere; UADDR2TADDR and TADDR2UADDR, whose other form is an address in this machine's own memory layout.
 */
const Procedure = {
  NULL: 0,
  SET: 1,
  UNSET: 2,
  GETADDR: 3,
  DUMP: 4,
  GETTIME: 6,
  GETVERSADDR: 9,
  GETADDRLIST: 11,
} as const;
/** The last that version 3 has: TADDR2UADDR. */
const VERSION_3_LAST = 8;

/** RFC 1833 §2.1: rpcb_entry's r_nc_semantics: connectionless, and connections that end in order. */
const semantics = { udp: 1, tcp: 3 } as const satisfies Record<Netid, number>;
const PROTOCOL_FAMILY = "inet";
/** Of all that is listed; shown by `rpcinfo`. */
const OWNER = "sidus";

export interface RpcbindDeps {
  readonly bindings: () => readonly Binding[];
  /** Where the server listens: every program at the same address. */
  readonly address: Ipv4;
  /** The transport that calls come in on. */
  readonly netid: Netid;
  /** Since 1970. */
  readonly epochMs: () => number;
}

export function rpcbind(version: 3 | 4, deps: RpcbindDeps): RpcProgram {
  return {
    program: PORTMAP_PROGRAM,
    version,
    call(call) {
      const { xid, procedure, args } = call;
      if (version === 3 && procedure > VERSION_3_LAST) return "unknown-procedure";
      switch (procedure) {
        case Procedure.NULL:
          return isRead(args) ? successReply(xid, 0).full() : "garbage-arguments";
        case Procedure.SET:
        case Procedure.UNSET:
        case Procedure.GETADDR:
        case Procedure.GETVERSADDR:
        case Procedure.GETADDRLIST:
          return byBinding(call, deps);
        case Procedure.DUMP:
          return isRead(args) ? dump(xid, deps) : "garbage-arguments";
        case Procedure.GETTIME:
          return isRead(args) ? word(xid, Math.floor(deps.epochMs() / 1000)) : "garbage-arguments";
        default:
          return "unknown-procedure";
      }
    },
  };
}

/** RFC 1833 §2.1: rpcb, as far as it says what is looked for. */
interface Wanted {
  readonly program: number;
  readonly version: number;
  /** Linux puts the address here that it reaches us at. */
  readonly universal: string;
}

function readWanted(args: Reader): Wanted {
  const program = args.u32();
  const version = args.u32();
  readString(args, RPCBIND_STRING_BYTES_MAX);
  const universal = readString(args, RPCBIND_STRING_BYTES_MAX);
  readString(args, RPCBIND_STRING_BYTES_MAX);
  return { program, version, universal };
}

function byBinding({ xid, procedure, args }: RpcCall, deps: RpcbindDeps): RpcResult {
  const wanted = readWanted(args);
  if (!isRead(args)) return "garbage-arguments";
  switch (procedure) {
    case Procedure.GETADDR:
      return address(xid, wanted, deps, findBinding(deps.bindings(), { ...wanted, ...deps }));
    case Procedure.GETVERSADDR: {
      const found = findBinding(deps.bindings(), { ...wanted, ...deps });
      return address(xid, wanted, deps, found?.version === wanted.version ? found : undefined);
    }
    case Procedure.GETADDRLIST:
      return addressList(xid, wanted, deps);
    default:
      // SET and UNSET: nobody registers here. FALSE.
      return word(xid, 0);
  }
}

function word(xid: number, value: number): Reply {
  return successReply(xid, 4).u32(value).full();
}

/** RFC 1833 §2.2.1: by the transport that was asked on, whatever r_netid says. Not found: an empty string. */
function address(
  xid: number,
  wanted: Wanted,
  deps: RpcbindDeps,
  found: Binding | undefined,
): Reply {
  const text = found === undefined ? "" : universalOf(found, deps, wanted);
  const writer = successReply(xid, opaqueSize(text.length));
  writeString(writer, text);
  return writer.full();
}

/** Where we listen at every address, the one that the client says it reaches us at. */
function universalOf({ port }: Binding, deps: RpcbindDeps, wanted?: Wanted): string {
  const hint = deps.address === ANY_ADDRESS ? addressIn(wanted?.universal ?? "") : undefined;
  return formatUniversal(hint ?? deps.address, port);
}

type Item = readonly (string | number)[];

/** A linked list of structures of words and strings: TRUE and a structure, …, FALSE. */
function linkedList(xid: number, items: readonly Item[]): Reply {
  let bytes = 4;
  for (const item of items) {
    bytes += 4;
    for (const field of item) bytes += typeof field === "string" ? opaqueSize(field.length) : 4;
  }
  const writer = successReply(xid, bytes);
  for (const item of items) {
    writer.u32(1);
    for (const field of item) {
      if (typeof field === "string") writeString(writer, field);
      else writer.u32(field);
    }
  }
  return writer.u32(0).full();
}

/** RFC 1833 §2.1: rpcblist. */
function dump(xid: number, deps: RpcbindDeps): Reply {
  const items = deps
    .bindings()
    .map(
      (binding): Item => [
        binding.program,
        binding.version,
        binding.netid,
        universalOf(binding, deps),
        OWNER,
      ],
    );
  return linkedList(xid, items);
}

/** RFC 1833 §2.1: rpcb_entry_list, the transports of one version of a program. */
function addressList(xid: number, wanted: Wanted, deps: RpcbindDeps): Reply {
  const items = deps
    .bindings()
    .filter(({ program, version }) => program === wanted.program && version === wanted.version)
    .map((binding): Item => {
      const { netid } = binding;
      const universal = universalOf(binding, deps, wanted);
      return [universal, netid, semantics[netid], PROTOCOL_FAMILY, netid];
    });
  return linkedList(xid, items);
}
