import { successReply } from "../../rpc/message.ts";
import { whenKnown } from "../../rpc/program.ts";
import { isRead } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { failure, POST_OP_BYTES, type Procedure, withObject, writePostOp } from "../procedure.ts";
import { NfsStatus, statusOf } from "../status.ts";

/** RFC 1813 §3.3.18. */
export const fsstat: Procedure = (call) => {
  const handle = readHandle(call.args);
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (object) =>
    whenKnown(object.from.tree.usage(), (usage) => {
      if (typeof usage === "string") return failure(call, statusOf(usage), object);
      const writer = successReply(call.xid, 4 + POST_OP_BYTES + 52).u32(NfsStatus.OK);
      writePostOp(writer, object);
      writer.size64(usage.totalBytes).size64(usage.freeBytes).size64(usage.availableBytes);
      writer.size64(usage.totalFiles).size64(usage.freeFiles).size64(usage.freeFiles);
      // invarsec: how long this may be believed is not known.
      return writer.u32(0).full();
    }),
  );
};
