import type { Reader } from "../bytes/reader.ts";
import { successReply } from "../rpc/message.ts";
import type { RpcProgram } from "../rpc/program.ts";
import { isRead } from "../rpc/xdr.ts";
import type { Tell } from "../watch/events.ts";
import type { ServedExports } from "./exports.ts";
import { readHandle } from "./handle.ts";
import { POST_OP_BYTES, type Procedure, programOf, withObject, writePostOp } from "./procedure.ts";
import { nullProcedure } from "./procedures/null.ts";
import { refuseToModify } from "./read-only.ts";
import { NfsStatus } from "./status.ts";

/**
 * NFSACL version 3: the POSIX ACLs beside NFS, as Solaris and Linux have it; no RFC. No file has one here. That must be
 * said: overlayfs takes "there are no ACLs on this server" for a failure, and lets nobody but a file's owner to it.
 */
const ACL_PROGRAM = 100_227;
const ACL_VERSION = 3;

/** What is asked for: entries, their count, and both of a directory's default. */
const MASK_ALL = 0xf;
/** Type, identity, permissions. */
const ENTRY_BYTES = 12;

/** By Linux' fs/nfs_common/nfsacl.c: two lists, each a count and an array, which may differ. */
const getAcl: Procedure = (call) => {
  const handle = readHandle(call.args);
  const asked = call.args.u32();
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (object) => {
    const writer = successReply(call.xid, 4 + POST_OP_BYTES + 4 + 16).u32(NfsStatus.OK);
    writePostOp(writer, object);
    writer.u32(asked & MASK_ALL);
    return writer.u32(0).u32(0).u32(0).u32(0).full();
  });
};

const setAcl: Procedure = (call) => {
  const handle = readHandle(call.args);
  call.args.u32();
  skipAcl(call.args);
  skipAcl(call.args);
  return refuseToModify(call, { handle, as: "attributes" });
};

function skipAcl(args: Reader): void {
  args.u32();
  args.skip(args.u32() * ENTRY_BYTES);
}

const procedures: readonly Procedure[] = [nullProcedure, getAcl, setAcl];

export function aclProgram(exports: () => ServedExports, tell: Tell): RpcProgram {
  return programOf({ program: ACL_PROGRAM, version: ACL_VERSION, procedures }, exports, tell);
}
