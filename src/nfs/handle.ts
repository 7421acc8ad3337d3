import { type Malformed, malformed } from "../bytes/malformed.ts";
import { Reader } from "../bytes/reader.ts";
import type { Writer } from "../bytes/writer.ts";
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

export function decodeHandle(bytes: Uint8Array): Handle | Malformed {
  if (bytes.length !== HANDLE_BYTES) return malformed("bad-handle");
  const reader = new Reader(bytes);
  if (reader.u32() !== LAYOUT) return malformed("bad-handle");
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
