import { setImmediate } from "node:timers/promises";
import type { CachedFile } from "../../../src/tree/cache/cache.ts";
import { cacheKey } from "../../../src/tree/cache/key.ts";
import type { TreeError } from "../../../src/tree/tree.ts";

/** A file whose every byte follows from its number and place, so that a byte of another one, or from elsewhere, shows. */
export interface MadeFile extends CachedFile {
  readonly id: number;
  /** How often it was asked to fill something. */
  fills: number;
  /** What the next fills answer instead. */
  failing: TreeError | "short" | "throws" | undefined;
}

export function file(id: number, size: number, version = 0n): MadeFile {
  const made: MadeFile = {
    id,
    key: cacheKey(7, BigInt(id), version),
    size,
    fills: 0,
    failing: undefined,
    async fill(into, offset) {
      made.fills += 1;
      await setImmediate();
      const { failing } = made;
      if (failing === "throws") throw new Error("the disk is gone");
      if (failing !== undefined && failing !== "short") return failing;
      const length = Math.min(into.length, size - offset) - (failing === "short" ? 1 : 0);
      for (let at = 0; at < length; at += 1) into[at] = byteAt(id, offset + at);
      return length;
    },
  };
  return made;
}

export function byteAt(id: number, offset: number): number {
  return (Math.imul(offset ^ (offset >>> 9), 0x9e37_79b1) + Math.imul(id, 0x85eb_ca6b)) >>> 24;
}

export function isRight(
  { id }: Pick<MadeFile, "id">,
  offset: number,
  parts: readonly Uint8Array[],
): boolean {
  let at = offset;
  for (const part of parts) {
    for (const byte of part) {
      if (byte !== byteAt(id, at)) return false;
      at += 1;
    }
  }
  return true;
}
