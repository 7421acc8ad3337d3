import { isMalformed, type Malformed } from "../bytes/malformed.ts";
import type { Writer } from "../bytes/writer.ts";
import { type Reply, type RpcCall, successReply } from "../rpc/message.ts";
import {
  type Later,
  type RpcClient,
  type RpcProgram,
  type RpcResult,
  whenKnown,
} from "../rpc/program.ts";
import type { Attributes } from "../tree/tree.ts";
import type { Tell } from "../watch/events.ts";
import { ATTRIBUTES_BYTES } from "./attributes.ts";
import type { Served, ServedExports } from "./exports.ts";
import { HANDLE_BYTES, type Handle, writeHandle } from "./handle.ts";
import { NfsStatus, statusOf } from "./status.ts";

/** What every procedure is given. */
export interface NfsCall extends Pick<RpcCall, "xid" | "credential" | "args"> {
  readonly client: RpcClient;
  readonly exports: ServedExports;
  readonly tell: Tell;
}

export type Procedure = (call: NfsCall) => Later<RpcResult>;

/** A program whose procedures are numbered from 0. */
export function programOf(
  of: Pick<RpcProgram, "program" | "version"> & { readonly procedures: readonly Procedure[] },
  exports: () => ServedExports,
  tell: Tell,
): RpcProgram {
  const { program, version, procedures } = of;
  return {
    program,
    version,
    call({ xid, procedure: number, credential, args }, client) {
      const procedure = procedures[number];
      if (procedure === undefined) return "unknown-procedure";
      return procedure({ xid, credential, args, client, exports: exports(), tell });
    },
  };
}

/** A file that a handle names. */
export interface NfsObject {
  readonly from: Served;
  readonly attributes: Attributes;
}

/** The object of a handle, for this client; its networks are asked at every call, not only at MOUNT. */
export function locate(call: NfsCall, handle: Handle | Malformed): Later<NfsObject | NfsStatus> {
  if (isMalformed(handle)) return refused(call, handle.malformed, NfsStatus.BADHANDLE);
  const entry = call.exports.byId(handle.exportId);
  if (entry === undefined) return refused(call, "stale", NfsStatus.STALE);
  if (!entry.admits(call.client.address)) return refused(call, "denied", NfsStatus.ACCES);
  const from = entry.version(handle.identityHigh, handle.identityLow);
  return whenKnown(from, (served) =>
    served === undefined ? refused(call, "stale", NfsStatus.STALE) : locateIn(call, served, handle),
  );
}

function locateIn(call: NfsCall, from: Served, handle: Handle): Later<NfsObject | NfsStatus> {
  from.users?.add(call.client.address);
  return whenKnown(from.tree.attributes(handle.id), (attributes) => {
    if (typeof attributes === "string") {
      return attributes === "stale"
        ? refused(call, "stale", NfsStatus.STALE)
        : statusOf(attributes);
    }
    // The inode number is that of another file now.
    if (attributes.generation !== handle.generation) return refused(call, "stale", NfsStatus.STALE);
    return { from, attributes };
  });
}

function refused(call: NfsCall, reason: string, status: NfsStatus): NfsStatus {
  call.tell({ kind: "refused", protocol: "nfs", reason });
  return status;
}

/** RFC 1813 §2.6: post_op_attr. */
export const POST_OP_BYTES = 4 + ATTRIBUTES_BYTES;
/** A handle as XDR has it, its length in front. */
export const HANDLE_XDR_BYTES = 4 + HANDLE_BYTES;

export function writePostOp(writer: Writer, object: NfsObject): void {
  writer.u32(1).put(object.from.encoded(object.attributes));
}

export function writeHandleOf(writer: Writer, { from, attributes }: NfsObject): void {
  const { exportId, identityHigh, identityLow } = from;
  const { id, generation } = attributes;
  writer.u32(HANDLE_BYTES);
  writeHandle(writer, { exportId, identityHigh, identityLow, id, generation });
}

/** The usual form of a failure: the status, then the object's attributes where there is one. */
export function failure(call: NfsCall, status: NfsStatus, object?: NfsObject): Reply {
  const writer = successReply(call.xid, 4 + (object === undefined ? 4 : POST_OP_BYTES));
  writer.u32(status);
  if (object === undefined) writer.u32(0);
  else writePostOp(writer, object);
  return writer.full();
}

/** Most procedures: find the object, or fail in the usual form. */
export function withObject(
  call: NfsCall,
  handle: Handle | Malformed,
  proceed: (object: NfsObject) => Later<RpcResult>,
): Later<RpcResult> {
  return whenKnown(locate(call, handle), (object) =>
    typeof object === "number" ? failure(call, object) : proceed(object),
  );
}
