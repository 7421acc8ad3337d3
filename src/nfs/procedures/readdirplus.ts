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
import {
  HANDLE_XDR_BYTES,
  POST_OP_BYTES,
  type Procedure,
  writeHandleOf,
  writePostOp,
} from "../procedure.ts";

/** name_attributes and name_handle, both there. */
const PLUS_BYTES = POST_OP_BYTES + 4 + HANDLE_XDR_BYTES;

/** RFC 1813 §3.3.17. `dircount` bounds the entries without attributes and handles, `maxcount` the whole READDIRPLUS3resok. */
export const readdirplus: Procedure = (call) => {
  const handle = readHandle(call.args);
  const cookie = call.args.u64();
  call.args.skip(8); // cookieverf
  const dirCount = call.args.u32();
  const maxCount = Math.min(call.args.u32(), NFS_DIRECTORY_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  call.client.expect(maxCount);
  const room = maxCount - LISTING_BYTES;
  return answerListing(call, {
    handle,
    cookie,
    entriesMax: Math.floor(
      Math.min(room / (ENTRY_BYTES_MIN + PLUS_BYTES), dirCount / ENTRY_BYTES_MIN),
    ),
    fit({ entries }) {
      let fitting = 0;
      let plainBytes = 0;
      for (const entry of entries) {
        const next = plainBytes + entryBytes(entry);
        if (next > dirCount || next + (fitting + 1) * PLUS_BYTES > room) break;
        plainBytes = next;
        fitting += 1;
      }
      return { count: fitting, bytes: plainBytes + fitting * PLUS_BYTES };
    },
    writeEntry(writer, entry, { from }) {
      writeEntry(writer, entry);
      const object = { from, attributes: entry.attributes };
      writePostOp(writer, object);
      writer.u32(1);
      writeHandleOf(writer, object);
    },
  });
};
