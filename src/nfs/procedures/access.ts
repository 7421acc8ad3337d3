import type { Credential } from "../../rpc/credentials.ts";
import { successReply } from "../../rpc/message.ts";
import { isRead } from "../../rpc/xdr.ts";
import type { Attributes } from "../../tree/tree.ts";
import { readHandle } from "../handle.ts";
import { Permission, permits } from "../permission.ts";
import { POST_OP_BYTES, type Procedure, withObject, writePostOp } from "../procedure.ts";
import { NfsStatus } from "../status.ts";

/** DELETE, 16, is never granted. */
const Access = { READ: 1, LOOKUP: 2, MODIFY: 4, EXTEND: 8, EXECUTE: 32 } as const;

/** RFC 1813 §3.3.4: of the bits asked for, those that are granted. */
export const access: Procedure = (call) => {
  const handle = readHandle(call.args);
  const asked = call.args.u32();
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (object) => {
    const { from, attributes } = object;
    const granted = asked & grantedOf(attributes, from.callerOf(call.credential));
    const writer = successReply(call.xid, 4 + POST_OP_BYTES + 4).u32(NfsStatus.OK);
    writePostOp(writer, object);
    return writer.u32(granted).full();
  });
};

function grantedOf(attributes: Attributes, credential: Credential): number {
  const may = (permission: Permission) => permits(attributes, credential, permission);
  const read = may(Permission.READ) ? Access.READ : 0;
  const execute = may(Permission.EXECUTE);
  switch (attributes.type) {
    case "directory":
      return read | (execute ? Access.LOOKUP : 0);
    case "file":
    case "symlink":
      return read | (execute ? Access.EXECUTE : 0);
    default: {
      // A device, FIFO or socket is written on the client, which a read-only file system does not forbid.
      const write = may(Permission.WRITE) ? Access.MODIFY | Access.EXTEND : 0;
      return read | write | (execute ? Access.EXECUTE : 0);
    }
  }
}
