import { successReply } from "../../rpc/message.ts";
import { isRead } from "../../rpc/xdr.ts";
import type { Procedure } from "../procedure.ts";

/** RFC 1813 §3.3.0. */
export const nullProcedure: Procedure = ({ xid, args }) =>
  isRead(args) ? successReply(xid, 0).full() : "garbage-arguments";
