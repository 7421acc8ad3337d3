import type { Malformed } from "../bytes/malformed.ts";
import type { Writer } from "../bytes/writer.ts";
import { successReply } from "../rpc/message.ts";
import { type Later, type RpcResult, whenKnown } from "../rpc/program.ts";
import { opaqueSize, writeString } from "../rpc/xdr.ts";
import type { DirectoryEntry, DirectoryPage } from "../tree/tree.ts";
import type { Handle } from "./handle.ts";
import { Permission, permits } from "./permission.ts";
import {
  failure,
  type NfsCall,
  type NfsObject,
  POST_OP_BYTES,
  withObject,
  writePostOp,
} from "./procedure.ts";
import { NfsStatus, statusOf } from "./status.ts";

/** What READDIR and READDIRPLUS have in common. */

/** Around the entries: dir_attributes, cookieverf, the list's end, eof. The status is not counted (RFC 1813 §3.3.16). */
export const LISTING_BYTES = POST_OP_BYTES + 8 + 4 + 4;

/** Of entry3: value follows, fileid, name, cookie. */
export function entryBytes(entry: DirectoryEntry): number {
  return 4 + 8 + opaqueSize(entry.name.length) + 8;
}

/** The smallest entry3: its name has one to four bytes. */
export const ENTRY_BYTES_MIN = 4 + 8 + 8 + 8;

export function writeEntry(writer: Writer, entry: DirectoryEntry): void {
  writer.u32(1).u64(entry.attributes.id);
  writeString(writer, entry.name);
  writer.u64(entry.cookie);
}

export interface ListingRequest {
  readonly handle: Handle | Malformed;
  readonly cookie: bigint;
  /** No more can fit. */
  readonly entriesMax: number;
  /** How many of the entries fit, and the bytes that they take. */
  readonly fit: (page: DirectoryPage) => { readonly count: number; readonly bytes: number };
  readonly writeEntry: (writer: Writer, entry: DirectoryEntry, directory: NfsObject) => void;
}

export function answerListing(call: NfsCall, request: ListingRequest): Later<RpcResult> {
  const { handle, cookie, entriesMax } = request;
  return withObject(call, handle, (directory) => {
    const { from, attributes } = directory;
    if (attributes.type !== "directory") return failure(call, NfsStatus.NOTDIR, directory);
    if (!permits(attributes, from.callerOf(call.credential), Permission.READ)) {
      return failure(call, NfsStatus.ACCES, directory);
    }
    if (entriesMax < 1) return failure(call, NfsStatus.TOOSMALL, directory);
    return whenKnown(from.tree.readdir(attributes.id, cookie, entriesMax), (page) => {
      if (typeof page === "string") return failure(call, statusOf(page), directory);
      const { count, bytes } = request.fit(page);
      if (count === 0 && page.entries.length > 0) {
        return failure(call, NfsStatus.TOOSMALL, directory);
      }
      const writer = successReply(call.xid, 4 + LISTING_BYTES + bytes).u32(NfsStatus.OK);
      writePostOp(writer, directory);
      // cookieverf: cookies stay good whatever happens to the directory, so there is nothing to verify.
      writer.zeros(8);
      for (let at = 0; at < count; at += 1) {
        const entry = page.entries[at];
        if (entry !== undefined) request.writeEntry(writer, entry, directory);
      }
      writer.u32(0).u32(page.end && count === page.entries.length ? 1 : 0);
      return writer.full();
    });
  });
}
