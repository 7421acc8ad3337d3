import type { Attributes, FileId, FileType, Timestamp } from "../tree.ts";
import type { Superblock } from "./superblock.ts";

/**
 * Inodes, compact ones in 32 bytes and extended ones in 64; a number counts slots of 32 bytes from the superblock's
 * meta_blkaddr on.
 *
 *            0        2              4      6       8             16    20    24    26   28
 *   compact  | format | xattr_icount | mode | nlink | size  mtime | i_u | ino | uid | gid | …     |
 *   extended | format | xattr_icount | mode | …     | size        | i_u | ino | uid       | gid   | mtime 8 | nsec | nlink …
 *
 * Extended attributes follow, then the tail of the data or the map of its chunks.
 */
export const SLOT_BYTES = 32;
const EXTENDED_BYTES = 64;
/** What an inode takes at most. */
export const INODE_BYTES_MAX = EXTENDED_BYTES;

/** i_format: one bit for the inode's form, three for the layout of its data. */
const EXTENDED = 1;
const LAYOUT_SHIFT = 1;
const FORMATS_END = 1 << 4;
const Layout = { PLAIN: 0, INLINE: 2, CHUNKS: 4 } as const;

/** Of a layout with chunks, i_u: a chunk's blocks as a power of two, and whether its entry has eight bytes or four. */
const CHUNK_BITS_MASK = 0x1f;
const CHUNK_INDEXES = 0x20;
const CHUNK_FORMATS_END = 0x40;

/** Where nothing is stored: all zero. */
export const HOLE = 0xffff_ffff;

/** Where a file's data is. All in bytes from the image's start. */
export type Data =
  /** In one piece; `at` undefined: a hole. */
  | { readonly kind: "plain"; readonly at: number | undefined }
  /** As plain, but the last block is elsewhere: from `tailOffset` of the file on. */
  | {
      readonly kind: "inline";
      readonly at: number;
      readonly tailOffset: number;
      readonly tailAt: number;
    }
  | {
      readonly kind: "chunks";
      readonly chunkBytes: number;
      readonly mapAt: number;
      /** 4: a block's number; 8: that in the last four. */
      readonly entryBytes: 4 | 8;
    };

export interface Inode {
  readonly number: number;
  readonly attributes: Attributes;
  readonly data: Data;
  /** Where its extended attributes are, in bytes from the image's start. */
  readonly xattrs: { readonly at: number; readonly bytes: number };
  /** Once it was read. */
  link: { readonly target: string } | undefined;
}

const NO_DATA: Data = { kind: "plain", at: undefined };
const NO_DEVICE = { major: 0, minor: 0 };

/** `bytes`: INODE_BYTES_MAX of them, fewer where the image ends. Undefined where no inode is. */
export function decodeInode(
  bytes: Uint8Array,
  number: number,
  superblock: Superblock,
): Inode | undefined {
  if (bytes.length < SLOT_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = view.getUint16(0, true);
  const isExtended = (format & EXTENDED) !== 0;
  if (format >= FORMATS_END || (isExtended && bytes.length < EXTENDED_BYTES)) return undefined;
  const mode = view.getUint16(4, true);
  const type = typeOf(mode);
  const size = isExtended ? Number(view.getBigUint64(8, true)) : view.getUint32(8, true);
  if (type === undefined || !Number.isSafeInteger(size)) return undefined;
  const inodeBytes = isExtended ? EXTENDED_BYTES : SLOT_BYTES;
  const xattrs = { at: inodeAt(number, superblock) + inodeBytes, bytes: xattrBytes(view) };
  const followsAt = xattrs.at + xattrs.bytes;
  const data = hasData(type) ? dataOf(view, size, followsAt, 2 ** superblock.blockBits) : NO_DATA;
  if (data === undefined) return undefined;
  const time = timeOf(view, isExtended, superblock.built);
  const blockBytes = 2 ** superblock.blockBits;
  const attributes: Attributes = {
    id: BigInt(number) as FileId,
    type,
    mode: mode & 0o7777,
    links: isExtended ? view.getUint32(44, true) : view.getUint16(6, true),
    uid: isExtended ? view.getUint32(24, true) : view.getUint16(24, true),
    gid: isExtended ? view.getUint32(28, true) : view.getUint16(26, true),
    size,
    used: Math.ceil(size / blockBytes) * blockBytes,
    device: type === "block" || type === "character" ? deviceOf(view) : NO_DEVICE,
    accessed: time,
    modified: time,
    changed: time,
    generation: 0,
  };
  return { number, attributes, data, xattrs, link: undefined };
}

/** In bytes from the image's start. */
export function inodeAt(number: number, { inodesAt }: Superblock): number {
  return inodesAt + number * SLOT_BYTES;
}

/** xattr_icount counts a header of 12 bytes as one, and then words of 4. */
function xattrBytes(view: DataView): number {
  const count = view.getUint16(2, true);
  return count === 0 ? 0 : 12 + 4 * (count - 1);
}

function dataOf(
  view: DataView,
  size: number,
  followsAt: number,
  blockBytes: number,
): Data | undefined {
  const block = view.getUint32(16, true);
  switch (view.getUint16(0, true) >> LAYOUT_SHIFT) {
    case Layout.PLAIN:
      return { kind: "plain", at: block === HOLE ? undefined : block * blockBytes };
    case Layout.INLINE: {
      const tailOffset = Math.max(0, Math.ceil(size / blockBytes) - 1) * blockBytes;
      // As Linux has it: a tail does not go beyond the end of its block.
      if ((followsAt % blockBytes) + size - tailOffset > blockBytes) return undefined;
      return { kind: "inline", at: block * blockBytes, tailOffset, tailAt: followsAt };
    }
    case Layout.CHUNKS: {
      const chunkFormat = view.getUint16(16, true);
      if (chunkFormat >= CHUNK_FORMATS_END) return undefined;
      const entryBytes = (chunkFormat & CHUNK_INDEXES) === 0 ? 4 : 8;
      const mapAt = Math.ceil(followsAt / entryBytes) * entryBytes;
      const chunkBytes = blockBytes * 2 ** (chunkFormat & CHUNK_BITS_MASK);
      return { kind: "chunks", chunkBytes, mapAt, entryBytes };
    }
    default:
      return undefined;
  }
}

/** Compact inodes count from the superblock's time on: all by 0, unless made by erofs-utils 1.9. */
function timeOf(view: DataView, isExtended: boolean, built: Timestamp): Timestamp {
  if (isExtended) {
    const seconds = Number(view.getBigInt64(32, true));
    return { seconds, nanoseconds: Math.min(view.getUint32(40, true), 999_999_999) };
  }
  const later = view.getUint32(12, true);
  return later === 0 ? built : { seconds: built.seconds + later, nanoseconds: built.nanoseconds };
}

/** As Linux packs both numbers into 32 bits: the minor's upper bits are above the major's 12 (its new_encode_dev). */
function deviceOf(view: DataView): { major: number; minor: number } {
  const packed = view.getUint32(16, true);
  return { major: (packed >>> 8) & 0xfff, minor: (packed & 0xff) | ((packed >>> 12) & 0xf_ff00) };
}

function hasData(type: FileType): boolean {
  return type === "file" || type === "directory" || type === "symlink";
}

/** S_IFMT of st_mode. */
function typeOf(mode: number): FileType | undefined {
  switch (mode & 0o170000) {
    case 0o010000:
      return "fifo";
    case 0o020000:
      return "character";
    case 0o040000:
      return "directory";
    case 0o060000:
      return "block";
    case 0o100000:
      return "file";
    case 0o120000:
      return "symlink";
    case 0o140000:
      return "socket";
    default:
      return undefined;
  }
}
