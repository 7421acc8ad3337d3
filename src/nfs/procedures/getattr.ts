import { successReply } from "../../rpc/message.ts";
import { whenKnown } from "../../rpc/program.ts";
import { isRead } from "../../rpc/xdr.ts";
import { ATTRIBUTES_BYTES } from "../attributes.ts";
import { readHandle } from "../handle.ts";
import { locate, type Procedure } from "../procedure.ts";
import { NfsStatus } from "../status.ts";

/** RFC 1813 §3.3.1. */
export const getattr: Procedure = (call) => {
  const handle = readHandle(call.args);
  if (!isRead(call.args)) return "garbage-arguments";
  return whenKnown(locate(call, handle), (object) => {
    if (typeof object === "number") return successReply(call.xid, 4).u32(object).full();
    const writer = successReply(call.xid, 4 + ATTRIBUTES_BYTES).u32(NfsStatus.OK);
    return writer.put(object.from.encoded(object.attributes)).full();
  });
};
