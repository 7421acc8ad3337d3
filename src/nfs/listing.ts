import type { Malformed } from "../bytes/malformed.ts";
import { Writer } from "../bytes/writer.ts";
import { successReply } from "../rpc/message.ts";
import { type Later, type RpcResult, whenKnown } from "../rpc/program.ts";
import { opaqueSize, writeString } from "../rpc/xdr.ts";
import type { DirectoryEntry, DirectoryPage } from "../tree/tree.ts";
import type { Served } from "./exports.ts";
import type { Handle } from "./handle.ts";
import { Permission, permits } from "./permission.ts";
import {
  failure,
  HANDLE_XDR_BYTES,
  type NfsCall,
  POST_OP_BYTES,
  withObject,
  writeHandleOf,
  writePostOp,
} from "./procedure.ts";
import { NfsStatus, statusOf } from "./status.ts";

/** What READDIR and READDIRPLUS have in common. */

/** Around the entries: dir_attributes, cookieverf, the list's end, eof. The status is not counted (RFC 1813 §3.3.16). */
const LISTING_BYTES = POST_OP_BYTES + 8 + 4 + 4;
/** The smallest entry3: its name has one to four bytes. */
const ENTRY_BYTES_MIN = 4 + 8 + 8 + 8;
/** name_attributes and name_handle, both there. */
const PLUS_BYTES = POST_OP_BYTES + 4 + HANDLE_XDR_BYTES;

/** How much a client wants. */
export interface Room {
  /** Bytes of the whole resok. */
  readonly bytes: number;
  /** Bytes of the entries without attributes and handles; undefined: they come without. */
  readonly plainBytes: number | undefined;
}

/** The entries of a page that fit some room, as they are sent: entryplus3 or entry3, the list's end, eof. */
interface EncodedPage {
  readonly room: Room;
  readonly bytes: Uint8Array;
  /** Not even the first of them fits. */
  readonly isTooSmall: boolean;
}

/** What was encoded last of each page, as long as the tree gives out the same. */
export class EncodedPages {
  readonly #encoded = new WeakMap<DirectoryPage, EncodedPage>();

  get(page: DirectoryPage, room: Room, from: Served): EncodedPage {
    const known = this.#encoded.get(page);
    const isSame = known?.room.bytes === room.bytes && known.room.plainBytes === room.plainBytes;
    if (known !== undefined && isSame) return known;
    const encoded = encodePage(page, room, from);
    this.#encoded.set(page, encoded);
    return encoded;
  }
}

export interface ListingRequest {
  readonly handle: Handle | Malformed;
  readonly cookie: bigint;
  readonly room: Room;
}

export function answerListing(call: NfsCall, request: ListingRequest): Later<RpcResult> {
  const { handle, cookie, room } = request;
  return withObject(call, handle, (directory) => {
    const { from, attributes } = directory;
    if (attributes.type !== "directory") return failure(call, NfsStatus.NOTDIR, directory);
    if (!permits(attributes, from.callerOf(call.credential), Permission.READ)) {
      return failure(call, NfsStatus.ACCES, directory);
    }
    const entriesMax = entriesIn(room);
    if (entriesMax < 1) return failure(call, NfsStatus.TOOSMALL, directory);
    return whenKnown(from.tree.readdir(attributes.id, cookie, entriesMax), (page) => {
      if (typeof page === "string") return failure(call, statusOf(page), directory);
      const { bytes, isTooSmall } = from.pages.get(page, room, from);
      if (isTooSmall) return failure(call, NfsStatus.TOOSMALL, directory);
      const head = successReply(call.xid, 4 + POST_OP_BYTES + 8, bytes.length);
      head.u32(NfsStatus.OK);
      writePostOp(head, directory);
      // cookieverf: cookies stay good whatever happens to the directory, so there is nothing to verify.
      return { head: head.zeros(8).full(), parts: [bytes], release() {} };
    });
  });
}

/** No more can fit. */
function entriesIn({ bytes, plainBytes }: Room): number {
  const room = bytes - LISTING_BYTES;
  if (plainBytes === undefined) return Math.floor(room / ENTRY_BYTES_MIN);
  const withAll = room / (ENTRY_BYTES_MIN + PLUS_BYTES);
  return Math.floor(Math.min(withAll, plainBytes / ENTRY_BYTES_MIN));
}

function encodePage({ entries, end }: DirectoryPage, room: Room, from: Served): EncodedPage {
  const { count, bytes } = fitting(entries, room);
  const writer = new Writer(bytes + 8);
  for (const entry of entries.slice(0, count)) {
    writer.u32(1).u64(entry.attributes.id);
    writeString(writer, entry.name);
    writer.u64(entry.cookie);
    if (room.plainBytes === undefined) continue;
    const object = { from, attributes: entry.attributes };
    writePostOp(writer, object);
    writer.u32(1);
    writeHandleOf(writer, object);
  }
  writer.u32(0).u32(end && count === entries.length ? 1 : 0);
  return { room, bytes: writer.finish(), isTooSmall: count === 0 && entries.length > 0 };
}

function fitting(
  entries: readonly DirectoryEntry[],
  room: Room,
): { readonly count: number; readonly bytes: number } {
  const plusBytes = room.plainBytes === undefined ? 0 : PLUS_BYTES;
  const plainMax = room.plainBytes ?? Number.POSITIVE_INFINITY;
  const max = room.bytes - LISTING_BYTES;
  let count = 0;
  let plainBytes = 0;
  for (const { name } of entries) {
    // value follows, fileid, name, cookie
    const next = plainBytes + 4 + 8 + opaqueSize(name.length) + 8;
    if (next > plainMax || next + (count + 1) * plusBytes > max) break;
    plainBytes = next;
    count += 1;
  }
  return { count, bytes: plainBytes + count * plusBytes };
}
