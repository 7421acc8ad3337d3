import { NFS_READ_BYTES_MAX } from "../../limits.ts";
import { type Reply, successReply } from "../../rpc/message.ts";
import { whenKnown } from "../../rpc/program.ts";
import { isRead, padded } from "../../rpc/xdr.ts";
import type { FileSlice } from "../../tree/tree.ts";
import { permitsReading } from "../permission.ts";
import {
  failure,
  type NfsCall,
  type NfsObject,
  POST_OP_BYTES,
  type Procedure,
  readHandle,
  withObject,
  writePostOp,
} from "../procedure.ts";
import { NfsStatus, statusOf } from "../status.ts";

/** Up to here a copy costs less than a second part. */
const COPIED_BYTES_MAX = 4096;
const PADDING = new Uint8Array(3);

/** RFC 1813 §3.3.6. */
export const read: Procedure = (call) => {
  const handle = readHandle(call);
  // An offset that no number holds exactly is beyond every file, rounded or not.
  const offset = Number(call.args.u64());
  const count = Math.min(call.args.u32(), NFS_READ_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  call.client.expect(count);
  return withObject(call, handle, (object) => {
    const { from, attributes } = object;
    if (attributes.type !== "file") return failure(call, NfsStatus.INVAL, object);
    if (!permitsReading(attributes, call.credential)) {
      return failure(call, NfsStatus.ACCES, object);
    }
    return whenKnown(from.tree.read(attributes.id, offset, count), (slice) =>
      typeof slice === "string"
        ? failure(call, statusOf(slice), object)
        : sliceReply(call, object, slice),
    );
  });
};

function sliceReply(call: NfsCall, object: NfsObject, { parts, length, end }: FileSlice): Reply {
  const dataBytes = padded(length);
  const isCopied = length <= COPIED_BYTES_MAX;
  const headBytes = 4 + POST_OP_BYTES + 12;
  const writer = isCopied
    ? successReply(call.xid, headBytes + dataBytes)
    : successReply(call.xid, headBytes, dataBytes);
  writer.u32(NfsStatus.OK);
  writePostOp(writer, object);
  writer
    .u32(length)
    .u32(end ? 1 : 0)
    .u32(length);
  const paddingBytes = dataBytes - length;
  if (isCopied) {
    for (const part of parts) writer.put(part);
    return [writer.zeros(paddingBytes).finish()];
  }
  const head = writer.finish();
  if (paddingBytes === 0) return [head, ...parts];
  return [head, ...parts, PADDING.subarray(0, paddingBytes)];
}
