import { DIFF_READ_BYTES } from "../../limits.ts";
import type { FileId, FileSlice, Tree } from "../../tree/tree.ts";
import { answerOf } from "./pairs.ts";

/** A file of a tree. */
export interface FileIn {
  readonly tree: Tree;
  readonly id: FileId;
}

/** Whether two files of `size` bytes hold the same. @throws UserError where one cannot be read. */
export async function isSameContent(
  a: FileIn,
  b: FileIn,
  { size, path }: { readonly size: number; readonly path: string },
): Promise<boolean> {
  for (let at = 0; at < size; ) {
    const [one, other] = await Promise.all([
      answerOf(a.tree.read(a.id, at, DIFF_READ_BYTES), path),
      answerOf(b.tree.read(b.id, at, DIFF_READ_BYTES), path),
    ]);
    const isSame = one.length === other.length && isSameSlice(one, other);
    const { length } = one;
    one.release();
    other.release();
    // Shorter than it was when it was listed: both end here.
    if (!isSame || length === 0) return isSame;
    at += length;
  }
  return true;
}

/** Of one length, each in parts of its own. */
function isSameSlice(a: FileSlice, b: FileSlice): boolean {
  const others = b.parts[Symbol.iterator]();
  let other: Uint8Array = new Uint8Array();
  let used = 0;
  for (const part of a.parts) {
    for (let at = 0; at < part.length; ) {
      if (used === other.length) {
        other = others.next().value ?? new Uint8Array();
        used = 0;
      }
      const count = Math.min(part.length - at, other.length - used);
      const mine = part.subarray(at, at + count);
      if (Buffer.compare(mine, other.subarray(used, used + count)) !== 0) return false;
      at += count;
      used += count;
    }
  }
  return true;
}
