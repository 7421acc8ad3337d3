import type { BootFile } from "../../src/boot/files.ts";
import { SeededRandom } from "../sim/random.ts";

/** Bytes that differ everywhere: a block in the wrong place shows. */
export function pattern(size: number, seed = 1): Uint8Array {
  const random = new SeededRandom(seed);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at + 4 <= size; at += 4) view.setUint32(at, random.u32());
  return bytes;
}

/** A file in memory that answers at once. */
export function fileOf(bytes: Uint8Array): BootFile {
  return { size: bytes.length, version: "v1", read: (offset, into) => copy(bytes, offset, into) };
}

/** The same, from a disk that must be waited for. */
export function slowFileOf(bytes: Uint8Array): BootFile {
  return {
    size: bytes.length,
    version: "v1",
    read: async (offset, into) => {
      await Promise.resolve();
      return copy(bytes, offset, into);
    },
  };
}

function copy(bytes: Uint8Array, offset: number, into: Uint8Array): number {
  const part = bytes.subarray(offset, offset + into.length);
  into.set(part);
  return part.length;
}
