import {
  NFS_DIRECTORY_BYTES_PREFERRED,
  NFS_READ_BYTES_MAX,
  NFS_READ_BYTES_PREFERRED,
  NFS_WRITE_BYTES_MAX,
} from "../../limits.ts";
import { successReply } from "../../rpc/message.ts";
import { isRead } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { POST_OP_BYTES, type Procedure, withObject, writePostOp } from "../procedure.ts";
import { NfsStatus } from "../status.ts";

/** RFC 1813 §3.3.19: hard links and symbolic links there are, and PATHCONF answers the same everywhere. */
const Property = { LINK: 1, SYMLINK: 2, HOMOGENEOUS: 8 } as const;
/** Linux's largest file. */
const FILE_BYTES_MAX = 0x7fff_ffff_ffff_ffffn;
const BLOCK_BYTES = 4096;

/** RFC 1813 §3.3.19. */
export const fsinfo: Procedure = (call) => {
  const handle = readHandle(call.args);
  if (!isRead(call.args)) return "garbage-arguments";
  return withObject(call, handle, (object) => {
    const writer = successReply(call.xid, 4 + POST_OP_BYTES + 48).u32(NfsStatus.OK);
    writePostOp(writer, object);
    writer.u32(NFS_READ_BYTES_MAX).u32(NFS_READ_BYTES_PREFERRED).u32(BLOCK_BYTES);
    writer.u32(NFS_WRITE_BYTES_MAX).u32(NFS_WRITE_BYTES_MAX).u32(BLOCK_BYTES);
    writer.u32(NFS_DIRECTORY_BYTES_PREFERRED).u64(FILE_BYTES_MAX);
    writer.u32(0).u32(1); // time_delta: a nanosecond
    writer.u32(Property.LINK | Property.SYMLINK | Property.HOMOGENEOUS);
    return writer.full();
  });
};
