import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { STORM_EXPECTATIONS_MAX } from "../limits.ts";
import type { Expectations } from "./client.ts";

/** Before a file's path, where NFS told its content. */
export const NFS_KEY = "nfs ";

/** Part of a content, as it was first seen: what a storm's threads tell one another. */
export type SeenPart = readonly [key: string, offset: number, length: number, crc: number];

interface Seen {
  readonly length: number;
  readonly crc: number;
  /** Of another length, from the same offset. */
  readonly next: Seen | undefined;
}

/**
 * What the first node got is what all others must get. Checksums by content, offset and length: reads of a boot are alike
 * in all nodes. When there are too many, new ones are no longer compared; those that are known are.
 */
export class SeenContent implements Expectations {
  readonly #contents = new Map<string, Map<number, Seen>>();
  #parts = 0;

  check(key: string, offset: number, bytes: Uint8Array): boolean {
    return this.checkCrc(key, offset, bytes.length, crc32(bytes));
  }

  checkCrc(key: string, offset: number, length: number, crc: number): boolean {
    let parts = this.#contents.get(key);
    const first = parts?.get(offset);
    for (let seen = first; seen !== undefined; seen = seen.next) {
      if (seen.length === length) return seen.crc === crc;
    }
    if (this.#parts >= STORM_EXPECTATIONS_MAX) return true;
    if (parts === undefined) {
      parts = new Map();
      this.#contents.set(key, parts);
    }
    parts.set(offset, { length, crc, next: first });
    this.#parts += 1;
    return true;
  }

  *entries(): Generator<SeenPart> {
    for (const [key, parts] of this.#contents) {
      for (const [offset, first] of parts) {
        for (let seen: Seen | undefined = first; seen !== undefined; seen = seen.next) {
          yield [key, offset, seen.length, seen.crc];
        }
      }
    }
  }

  /** Takes over what another thread has seen. Answers what is different here, each key once. */
  merge(entries: Iterable<SeenPart>): string[] {
    const different = new Set<string>();
    for (const [key, offset, length, crc] of entries) {
      if (!this.checkCrc(key, offset, length, crc)) different.add(key);
    }
    return [...different];
  }
}

export interface Comparison {
  /** Of parts that are as in the tree. */
  readonly bytes: number;
  /** Paths, each once. */
  readonly differences: readonly string[];
}

/**
 * What nodes got of files by NFS, beside a local copy of the tree that was served. Paths are a byte a character, as in
 * traces; one that is not there, or is no file, differs.
 */
export async function compareWithTree(
  parts: Iterable<SeenPart>,
  directory: string,
): Promise<Comparison> {
  const byKey = Map.groupBy(parts, ([key]) => key);
  const differences: string[] = [];
  let bytes = 0;
  for (const [key, ofFile] of byKey) {
    if (!key.startsWith(NFS_KEY)) continue;
    const path = key.slice(NFS_KEY.length);
    const name = Buffer.from(`${Buffer.from(directory).toString("latin1")}/${path}`, "latin1");
    const same = await sameIn(name, ofFile);
    if (same === undefined) differences.push(path);
    else bytes += same;
  }
  return { bytes, differences };
}

/** Bytes of all parts; undefined: one is not as in the file. */
async function sameIn(name: Buffer, parts: readonly SeenPart[]): Promise<number | undefined> {
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  let bytes = 0;
  try {
    await using file = await open(name, flags);
    for (const [, offset, length, crc] of parts) {
      const room = Buffer.allocUnsafe(length);
      const { bytesRead } = await file.read(room, 0, length, offset);
      if (bytesRead !== length || crc32(room) !== crc) return undefined;
      bytes += length;
    }
  } catch {
    return undefined;
  }
  return bytes;
}
