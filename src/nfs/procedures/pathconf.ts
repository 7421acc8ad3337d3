import { FILE_NAME_BYTES_MAX } from "../../limits.ts";
import { successReply } from "../../rpc/message.ts";
import { isRead } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { POST_OP_BYTES, type Procedure, withObject, writePostOp } from "../procedure.ts";
import { NfsStatus } from "../status.ts";

/** ext4's. */
const LINKS_MAX = 65_000;

/** RFC 1813 §3.3.20. */
export const pathconf: Procedure = (call) => {
  const handle = readHandle(call.args);
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (object) => {
    const writer = successReply(call.xid, 4 + POST_OP_BYTES + 24).u32(NfsStatus.OK);
    writePostOp(writer, object);
    writer.u32(LINKS_MAX).u32(FILE_NAME_BYTES_MAX);
    // no_trunc, chown_restricted, case_insensitive, case_preserving
    return writer.u32(1).u32(1).u32(0).u32(1).full();
  });
};
