import { type FileHandle, open } from "node:fs/promises";
import { isMalformed } from "../bytes/malformed.ts";
import { UserError } from "../user-error.ts";
import type { CachedFile } from "./cache/cache.ts";
import { cacheKey } from "./cache/key.ts";
import { digestOf } from "./erofs/digest.ts";
import { type Cache, Image } from "./erofs/image.ts";
import { decodeSuperblock, FIRST_BYTES } from "./erofs/superblock.ts";
import { ErofsTree } from "./erofs/tree.ts";
import { treeErrorOf } from "./stats.ts";
import type { TreeError } from "./tree.ts";

export interface ErofsOptions {
  readonly cache: Cache;
  /** SHA-256 of the whole file, in hexadecimal: another file is refused. */
  readonly digest?: string;
  /** Of the tree that was opened from the same file before, in another thread: then the file is not read whole again. */
  readonly identity?: bigint;
}

const REMEDY = "make it with `sidus build --image`";

/** Of images in the cache: their ids are their digests, so that they need no spaces of their own. */
const SPACE = 0;

/**
 * Serves a sealed image: an EROFS file without compression, as `mkfs.erofs` makes it. It is read through the cache
 * and by one descriptor; whoever replaces the file changes nothing that is served.
 * @throws UserError where it is none, is damaged, or uses what cannot be served.
 */
export async function openErofs(path: string, options: ErofsOptions): Promise<ErofsTree> {
  const handle = await openImage(path);
  try {
    return await treeOf(handle, options);
  } catch (error) {
    await handle.close();
    const reason =
      error instanceof UserError ? error.message : `cannot be read: ${treeErrorOf(error)}`;
    throw new UserError(`the image ${path} ${reason}`, { cause: error });
  }
}

async function openImage(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (error) {
    const reasons: Partial<Record<TreeError, string>> = {
      "not-found": `does not exist: ${REMEDY}, or mend its path in the configuration`,
      denied: "may not be read: run as root, or make it readable",
    };
    const reason = reasons[treeErrorOf(error)] ?? `cannot be read: ${String(error)}`;
    throw new UserError(`the image ${path} ${reason}`, { cause: error });
  }
}

/** @throws UserError whose message follows the image's path. */
async function treeOf(handle: FileHandle, options: ErofsOptions): Promise<ErofsTree> {
  const stats = await handle.stat();
  if (!stats.isFile()) throw new UserError(`is not a file: ${REMEDY}`);
  const first = Buffer.alloc(Math.min(stats.size, FIRST_BYTES));
  await handle.read(first, 0, first.length, 0);
  const superblock = decodeSuperblock(first);
  if (isMalformed(superblock)) throw new UserError(`${superblock.malformed}: ${REMEDY}`);
  const size = superblock.blocks * 2 ** superblock.blockBits;
  if (size > stats.size) {
    throw new UserError(`was cut short: it has ${stats.size} bytes of ${size}; ${REMEDY}`);
  }
  const identity = options.identity ?? (await identityOf(handle, options.digest));
  const file = cachedFile(handle, size, identity);
  const tree = new ErofsTree(new Image(superblock, file, options.cache), handle, identity);
  const root = await tree.attributes(tree.root);
  const found = typeof root === "string" ? root : root.type;
  if (found !== "directory") {
    throw new UserError(`is damaged: its root is no directory (${found}); ${REMEDY}`);
  }
  return tree;
}

/** The first 64 bits of the digest. */
async function identityOf(handle: FileHandle, expected: string | undefined): Promise<bigint> {
  const digest = await digestOf(handle);
  if (expected !== undefined && digest !== expected.toLowerCase()) {
    const [found, wanted] = [digest, expected].map((text) => text.slice(0, 12));
    throw new UserError(
      `has the digest ${found}…, not ${wanted}…: it was changed or damaged; use another version, or ${REMEDY}`,
    );
  }
  return BigInt(`0x${digest.slice(0, 16)}`);
}

function cachedFile(handle: FileHandle, size: number, identity: bigint): CachedFile {
  return {
    key: cacheKey(SPACE, identity, 0n),
    size,
    async fill(into, offset) {
      try {
        const wanted = Math.min(into.length, size - offset);
        for (let filled = 0; ; ) {
          const { bytesRead } = await handle.read(into, filled, wanted - filled, offset + filled);
          filled += bytesRead;
          if (bytesRead === 0 || filled === wanted) return filled;
        }
      } catch (error) {
        return treeErrorOf(error);
      }
    },
  };
}
