import { NFS_READ_BYTES_MAX } from "../../limits.ts";
import { type Reply, successReply } from "../../rpc/message.ts";
import { isRead, padded } from "../../rpc/xdr.ts";
import type { FileSlice, TreeError } from "../../tree/tree.ts";
import { readHandle } from "../handle.ts";
import { permitsReading } from "../permission.ts";
import {
  failure,
  type NfsCall,
  type NfsObject,
  POST_OP_BYTES,
  type Procedure,
  withObject,
  writePostOp,
} from "../procedure.ts";
import { NfsStatus, statusOf } from "../status.ts";

/** Up to here a copy costs less than a second part. */
const COPIED_BYTES_MAX = 4096;
const PADDING = new Uint8Array(3);

/** RFC 1813 §3.3.6. */
export const read: Procedure = (call) => {
  const handle = readHandle(call.args);
  // An offset that no number holds exactly is beyond every file, rounded or not.
  const offset = Number(call.args.u64());
  const count = Math.min(call.args.u32(), NFS_READ_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  call.client.expect(count);
  return withObject(call, handle, (object) => {
    const { from, attributes } = object;
    if (attributes.type !== "file") return failure(call, NfsStatus.INVAL, object);
    if (!permitsReading(attributes, from.callerOf(call.credential))) {
      return failure(call, NfsStatus.ACCES, object);
    }
    const slice = from.tree.read(attributes.id, offset, count);
    if (slice instanceof Promise) return slice.then((found) => lateReply(call, object, found));
    if (typeof slice === "string") return failure(call, statusOf(slice), object);
    return sliceReply(call, object, slice);
  });
};

/** While the disk was read the file may have become another, of which these bytes are. */
async function lateReply(
  call: NfsCall,
  object: NfsObject,
  slice: FileSlice | TreeError,
): Promise<Reply> {
  if (typeof slice === "string") return failure(call, statusOf(slice), object);
  const { from } = object;
  const attributes = await from.tree.attributes(object.attributes.id);
  const isSame =
    typeof attributes !== "string" && attributes.generation === object.attributes.generation;
  if (isSame) return sliceReply(call, { from, attributes }, slice);
  slice.release();
  return failure(call, typeof attributes === "string" ? statusOf(attributes) : NfsStatus.STALE);
}

function sliceReply(call: NfsCall, object: NfsObject, slice: FileSlice): Reply {
  const { parts, length, end } = slice;
  const dataBytes = padded(length);
  const isCopied = length <= COPIED_BYTES_MAX;
  const headBytes = 4 + POST_OP_BYTES + 12;
  const head = isCopied
    ? successReply(call.xid, headBytes + dataBytes)
    : successReply(call.xid, headBytes, dataBytes);
  head.u32(NfsStatus.OK);
  writePostOp(head, object);
  head.u32(length);
  head.u32(end ? 1 : 0);
  head.u32(length);
  const paddingBytes = dataBytes - length;
  if (isCopied) {
    for (const part of parts) head.put(part);
    slice.release();
    return head.zeros(paddingBytes).full();
  }
  const all = paddingBytes === 0 ? parts : [...parts, PADDING.subarray(0, paddingBytes)];
  return { head, parts: all, release: () => slice.release() };
}
