import { crc32c } from "../../bytes/crc32c.ts";
import { type Malformed, malformed } from "../../bytes/malformed.ts";
import type { Timestamp } from "../tree.ts";

/**
 * EROFS, as the Linux kernel documents it (Documentation/filesystems/erofs.rst, fs/erofs/erofs_fs.h). Little-endian.
 * The superblock, 128 bytes at byte 1024:
 *
 *   0       4          8                12          13      14     16      24           32          36
 *   | magic | checksum | feature_compat | blkszbits | slots | root | inos  | build_time | …_nsec    | blocks
 *   40             44              48     64            80                 84   86              88   90
 *   | meta_blkaddr | xattr_blkaddr | uuid | volume_name | feature_incompat | …  | extra_devices | …  | dirblkbits …
 *
 * Not supported: compression in any form, several devices, addresses of 48 bits.
 */
const SUPERBLOCK_AT = 1024;
const SUPERBLOCK_BYTES = 128;
const MAGIC = 0xe0f5_e1e2;

const HAS_CHECKSUM = 1;

const BLOCK_BITS_MIN = 9;
const BLOCK_BITS_MAX = 16;
/** Enough to check any superblock: the largest first block. */
export const FIRST_BYTES = 1 << BLOCK_BITS_MAX;

/** Features that a reader must know. Those without a name are understood: chunks, and prefixes of attributes' names. */
const incompatible = new Map<number, string | undefined>([
  [0x01, "compression"],
  [0x02, "compression"],
  [0x04, undefined],
  [0x08, "several devices"],
  [0x10, "compressed tails"],
  [0x20, "fragments or shared data"],
  [0x40, undefined],
  [0x80, "48-bit addresses"],
  [0x100, "compressed metadata"],
]);

export interface Superblock {
  readonly blockBits: number;
  /** Of the whole image. */
  readonly blocks: number;
  /** Where inode 0 would be, in bytes from the start. */
  readonly inodesAt: number;
  readonly inodes: number;
  /** What numbers of shared extended attributes count from, in bytes from the start. */
  readonly sharedXattrsAt: number;
  /** The inode number of the root directory. */
  readonly root: number;
  /** What inodes without a time of their own bear. */
  readonly built: Timestamp;
}

/** From the first FIRST_BYTES of an image, or all of a smaller one. The reason follows "the image". */
export function decodeSuperblock(first: Uint8Array): Superblock | Malformed {
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  if (first.length < SUPERBLOCK_AT + SUPERBLOCK_BYTES) {
    return malformed(`has ${first.length} bytes only, too few for EROFS`);
  }
  const magic = view.getUint32(SUPERBLOCK_AT, true);
  if (magic !== MAGIC) return malformed(`is no EROFS: its magic number is ${hex(magic)}`);
  const blockBits = view.getUint8(SUPERBLOCK_AT + 12);
  if (blockBits < BLOCK_BITS_MIN || blockBits > BLOCK_BITS_MAX) {
    return malformed(`has blocks of 2^${blockBits} bytes, where 2^9 to 2^16 can be served`);
  }
  const problem = checksumProblem(first, blockBits) ?? featureProblem(view);
  if (problem !== undefined) return malformed(problem);
  return {
    blockBits,
    blocks: view.getUint32(SUPERBLOCK_AT + 36, true),
    inodesAt: view.getUint32(SUPERBLOCK_AT + 40, true) * 2 ** blockBits,
    inodes: Number(view.getBigUint64(SUPERBLOCK_AT + 16, true)),
    sharedXattrsAt: view.getUint32(SUPERBLOCK_AT + 44, true) * 2 ** blockBits,
    root: view.getUint16(SUPERBLOCK_AT + 14, true),
    built: {
      seconds: Number(view.getBigInt64(SUPERBLOCK_AT + 24, true)),
      nanoseconds: Math.min(view.getUint32(SUPERBLOCK_AT + 32, true), 999_999_999),
    },
  };
}

/** Of an image whose first block was changed: makes its checksum right again. */
export function writeChecksum(first: Uint8Array, blockBits: number): void {
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  view.setUint32(SUPERBLOCK_AT + 4, checksumOf(first, blockBits), true);
}

/** Over the rest of the first block, itself taken as zero; small blocks: over the one where the superblock is. */
function checksumOf(first: Uint8Array, blockBits: number): number {
  const end = checksumEnd(blockBits);
  const summed = new Uint8Array(first.subarray(SUPERBLOCK_AT, end)).fill(0, 4, 8);
  // Without the inversion at the end that others make.
  return ~crc32c(summed) >>> 0;
}

function checksumEnd(blockBits: number): number {
  const blockBytes = 2 ** blockBits;
  return blockBytes > SUPERBLOCK_AT ? blockBytes : SUPERBLOCK_AT + blockBytes;
}

function checksumProblem(first: Uint8Array, blockBits: number): string | undefined {
  const view = new DataView(first.buffer, first.byteOffset, first.byteLength);
  if ((view.getUint32(SUPERBLOCK_AT + 8, true) & HAS_CHECKSUM) === 0) {
    return "has no checksum in its superblock";
  }
  if (first.length < checksumEnd(blockBits)) {
    return `ends within its first block, after ${first.length} bytes`;
  }
  const computed = checksumOf(first, blockBits);
  const stored = view.getUint32(SUPERBLOCK_AT + 4, true);
  if (computed === stored) return undefined;
  return `is damaged: its superblock's checksum is ${hex(computed)}, not ${hex(stored)}`;
}

function featureProblem(view: DataView): string | undefined {
  const features = view.getUint32(SUPERBLOCK_AT + 80, true);
  const found = new Set<string>();
  for (let bit = 0; bit < 32; bit += 1) {
    const feature = (1 << bit) >>> 0;
    if ((features & feature) === 0) continue;
    const name = incompatible.has(feature) ? incompatible.get(feature) : "something unknown";
    if (name !== undefined) found.add(name);
  }
  if (view.getUint16(SUPERBLOCK_AT + 86, true) !== 0) found.add("several devices");
  if (view.getUint8(SUPERBLOCK_AT + 90) !== 0) found.add("directory blocks of another size");
  if (found.size === 0) return undefined;
  return `uses ${[...found].join(", ")} (features ${hex(features)}), which cannot be served`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
