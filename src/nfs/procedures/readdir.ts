import { NFS_DIRECTORY_BYTES_MAX } from "../../limits.ts";
import { isRead } from "../../rpc/xdr.ts";
import { readHandle } from "../handle.ts";
import {
  answerListing,
  ENTRY_BYTES_MIN,
  entryBytes,
  LISTING_BYTES,
  writeEntry,
} from "../listing.ts";
import type { Procedure } from "../procedure.ts";

/** RFC 1813 §3.3.16. `count` bounds the whole READDIR3resok. */
export const readdir: Procedure = (call) => {
  const handle = readHandle(call.args);
  const cookie = call.args.u64();
  call.args.skip(8); // cookieverf
  const count = Math.min(call.args.u32(), NFS_DIRECTORY_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  call.client.expect(count);
  const room = count - LISTING_BYTES;
  return answerListing(call, {
    handle,
    cookie,
    entriesMax: Math.floor(room / ENTRY_BYTES_MIN),
    fit({ entries }) {
      let fitting = 0;
      let bytes = 0;
      for (const entry of entries) {
        const next = bytes + entryBytes(entry);
        if (next > room) break;
        bytes = next;
        fitting += 1;
      }
      return { count: fitting, bytes };
    },
    writeEntry,
  });
};
