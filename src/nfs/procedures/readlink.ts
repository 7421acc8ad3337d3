import { successReply } from "../../rpc/message.ts";
import { whenKnown } from "../../rpc/program.ts";
import { isRead, opaqueSize, writeString } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { failure, POST_OP_BYTES, type Procedure, withObject, writePostOp } from "../procedure.ts";
import { NfsStatus, statusOf } from "../status.ts";

/** RFC 1813 §3.3.5. */
export const readlink: Procedure = (call) => {
  const handle = readHandle(call.args);
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (object) => {
    const { from, attributes } = object;
    if (attributes.type !== "symlink") return failure(call, NfsStatus.INVAL, object);
    return whenKnown(from.tree.readlink(attributes.id), (link) => {
      if (typeof link === "string") return failure(call, statusOf(link), object);
      const writer = successReply(call.xid, 4 + POST_OP_BYTES + opaqueSize(link.target.length));
      writer.u32(NfsStatus.OK);
      writePostOp(writer, object);
      writeString(writer, link.target);
      return writer.full();
    });
  });
};
