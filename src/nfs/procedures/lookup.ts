import { FILE_NAME_BYTES_MAX, RPC_RECORD_BYTES_MAX } from "../../limits.ts";
import { successReply } from "../../rpc/message.ts";
import { whenKnown } from "../../rpc/program.ts";
import { isRead, readString } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { Permission, permits } from "../permission.ts";
import {
  failure,
  HANDLE_XDR_BYTES,
  POST_OP_BYTES,
  type Procedure,
  withObject,
  writeHandleOf,
  writePostOp,
} from "../procedure.ts";
import { NfsStatus, statusOf } from "../status.ts";

/** RFC 1813 §3.3.3. */
export const lookup: Procedure = (call) => {
  const handle = readHandle(call.args);
  const name = readString(call.args, RPC_RECORD_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (directory) => {
    const { from, attributes } = directory;
    if (attributes.type !== "directory") return failure(call, NfsStatus.NOTDIR, directory);
    const caller = from.callerOf(call.credential);
    // RFC 1813 §3.2: an empty name is NFS3ERR_ACCES.
    if (name === "" || !permits(attributes, caller, Permission.EXECUTE)) {
      return failure(call, NfsStatus.ACCES, directory);
    }
    if (name.length > FILE_NAME_BYTES_MAX) return failure(call, NfsStatus.NAMETOOLONG, directory);
    return whenKnown(from.tree.lookup(attributes.id, name), (found) => {
      if (typeof found === "string") return failure(call, statusOf(found), directory);
      const object = { from, attributes: found };
      const writer = successReply(call.xid, 4 + HANDLE_XDR_BYTES + 2 * POST_OP_BYTES);
      writer.u32(NfsStatus.OK);
      writeHandleOf(writer, object);
      writePostOp(writer, object);
      writePostOp(writer, directory);
      return writer.full();
    });
  });
};
