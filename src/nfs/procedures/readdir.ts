import { NFS_DIRECTORY_BYTES_MAX } from "../../limits.ts";
import { isRead } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import { answerListing } from "../listing.ts";
import type { Procedure } from "../procedure.ts";

/** RFC 1813 §3.3.16. `count` bounds the whole READDIR3resok. */
export const readdir: Procedure = (call) => {
  const handle = readHandle(call.args);
  const cookie = call.args.u64();
  call.args.skip(8); // cookieverf
  const bytes = Math.min(call.args.u32(), NFS_DIRECTORY_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  call.client.expect(bytes);
  return answerListing(call, { handle, cookie, room: { bytes, plainBytes: undefined } });
};
