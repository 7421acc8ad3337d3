import { NFS_DIRECTORY_BYTES_MAX } from "../../limits.ts";
import { isRead } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { answerListing } from "../listing.ts";
import type { Procedure } from "../procedure.ts";

/** RFC 1813 §3.3.17. `dircount` bounds the entries without attributes and handles, `maxcount` the whole READDIRPLUS3resok. */
export const readdirplus: Procedure = (call) => {
  const handle = readHandle(call.args);
  const cookie = call.args.u64();
  call.args.skip(8); // cookieverf
  const plainBytes = call.args.u32();
  const bytes = Math.min(call.args.u32(), NFS_DIRECTORY_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  call.client.expect(bytes);
  return answerListing(call, { handle, cookie, room: { bytes, plainBytes } });
};
