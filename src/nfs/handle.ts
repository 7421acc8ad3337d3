import { type Malformed, malformed } from "../bytes/malformed.ts";
import type { Reader } from "../bytes/reader.ts";
import type { Writer } from "../bytes/writer.ts";
import { NFS_HANDLE_BYTES_MAX } from "../limits.ts";
import { padded } from "../rpc/xdr.ts";
import type { FileId } from "../tree/tree.ts";

/**
 * File handles (RFC 1813 §2.3.3), opaque to clients. They name a file by what outlives a restart, so that a node
 * that mounted before it goes on after it:
 *
 *   0      4           8                  16        24             28
 *   | 'sd' 0 1 | export | tree's identity | file id | generation |
 *
 * `export` is the hash of its name; 0 and 1 are this layout's number.
 */
export const HANDLE_BYTES = 28;
const LAYOUT = 0x7364_0001;

export interface Handle {
  readonly exportId: number;
  /** Of the tree, its two halves. */
  readonly identityHigh: number;
  readonly identityLow: number;
  readonly id: FileId;
  readonly generation: number;
}

/** RFC 1813 §2.5: nfs_fh3. What is longer than any handle fails the read; what is not one of ours is malformed. */
export function readHandle(reader: Reader): Handle | Malformed {
  const length = reader.u32();
  if (length > NFS_HANDLE_BYTES_MAX) reader.fail();
  const start = reader.offset;
  if (length !== HANDLE_BYTES || reader.u32() !== LAYOUT) {
    reader.skip(padded(length) - (reader.offset - start));
    return malformed("bad-handle");
  }
  return {
    exportId: reader.u32(),
    identityHigh: reader.u32(),
    identityLow: reader.u32(),
    id: reader.u64() as FileId,
    generation: reader.u32(),
  };
}

export function writeHandle(writer: Writer, handle: Handle): void {
  writer.u32(LAYOUT).u32(handle.exportId).u32(handle.identityHigh).u32(handle.identityLow);
  writer.u64(handle.id).u32(handle.generation);
}
