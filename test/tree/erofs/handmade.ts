import { writeFileSync } from "node:fs";

/**
 * EROFS images made by hand, from the format as Linux has it (fs/erofs/erofs_fs.h), not from the code that reads them:
 * for what no mkfs.erofs would write. Block 0 holds the superblock, block 1 the inodes from number 0 on.
 */

export const Mode = { DIRECTORY: 0o040755, FILE: 0o100644, SYMLINK: 0o120777 } as const;
export const Layout = { PLAIN: 0, COMPRESSED: 1, INLINE: 2, CHUNKS: 4 } as const;

export interface Fields {
  readonly mode: number;
  readonly size: number | bigint;
  readonly layout?: number;
  /** Of the inode's format, beyond its form and the layout. */
  readonly formatBits?: number;
  /** A block, a device, or a chunk format. */
  readonly where?: number;
  readonly xattrCount?: number;
  readonly modified?: number;
  /** What follows the inode. */
  readonly follows?: Uint8Array;
}

type Entry = readonly [name: string, inode: number | bigint];

export class HandmadeImage {
  readonly bytes: Buffer;
  readonly blockBytes: number;

  /** Inode 0 is the root, whose entries are in block 2. */
  constructor({ blockBits = 12, blocks = 8 } = {}) {
    this.blockBytes = 2 ** blockBits;
    this.bytes = Buffer.alloc(blocks * this.blockBytes);
    this.bytes.writeUInt32LE(0xe0f5e1e2, 1024);
    this.bytes.writeUInt32LE(1, 1032); // feature_compat: a checksum
    this.bytes.writeUInt8(blockBits, 1036);
    this.bytes.writeBigUInt64LE(3n, 1040); // inos
    this.bytes.writeBigUInt64LE(1_600_000_000n, 1048); // build_time
    this.bytes.writeUInt32LE(blocks, 1060);
    this.bytes.writeUInt32LE(this.#inodesBlock, 1064); // meta_blkaddr
  }

  /** Blocks of 512 and 1024 bytes: the superblock is further on. */
  get #inodesBlock(): number {
    return Math.max(1, 2048 / this.blockBytes);
  }

  /** The first block behind the inodes'. */
  get freeBlock(): number {
    return this.#inodesBlock + 1;
  }

  at(block: number): Buffer {
    return this.bytes.subarray(block * this.blockBytes, (block + 1) * this.blockBytes);
  }

  compact(number: number, fields: Fields): this {
    const inode = this.#inode(number, fields, 0);
    inode.writeUInt16LE(1, 6); // nlink
    inode.writeUInt32LE(Number(fields.size), 8);
    inode.writeUInt32LE(fields.modified ?? 0, 12);
    inode.set(fields.follows ?? [], 32);
    return this;
  }

  extended(number: number, fields: Fields): this {
    const inode = this.#inode(number, fields, 1);
    inode.writeBigUInt64LE(BigInt(fields.size), 8);
    inode.writeBigUInt64LE(BigInt(fields.modified ?? 0), 32);
    inode.writeUInt32LE(1, 44); // nlink
    inode.set(fields.follows ?? [], 64);
    return this;
  }

  #inode(number: number, { layout = 0, formatBits = 0, ...fields }: Fields, form: number): Buffer {
    const inode = this.bytes.subarray(this.#inodesBlock * this.blockBytes + number * 32);
    inode.writeUInt16LE(form | (layout << 1) | formatBits, 0);
    inode.writeUInt16LE(fields.xattrCount ?? 0, 2);
    inode.writeUInt16LE(fields.mode, 4);
    inode.writeUInt32LE(fields.where ?? 0, 16);
    return inode;
  }

  /** The root, with these names besides `.` and `..`; they must be sorted. */
  root(entries: readonly Entry[]): this {
    const all: Entry[] = [...entries, [".", 0], ["..", 0]];
    all.sort(([a], [b]) => (a < b ? -1 : 1));
    const size = this.entries(this.freeBlock, all);
    return this.compact(0, { mode: Mode.DIRECTORY, size, where: this.freeBlock });
  }

  /** A directory's block: its bytes in use. */
  entries(block: number, entries: readonly Entry[]): number {
    const bytes = this.at(block).fill(0);
    let nameAt = entries.length * 12;
    for (const [index, [name, inode]] of entries.entries()) {
      bytes.writeBigUInt64LE(BigInt(inode), index * 12);
      bytes.writeUInt16LE(nameAt, index * 12 + 8);
      nameAt += bytes.write(name, nameAt, "latin1");
    }
    return nameAt;
  }

  seal(): this {
    seal(this.bytes, this.blockBytes);
    return this;
  }

  write(path: string): string {
    writeFileSync(path, this.bytes);
    return path;
  }
}

/** Makes the superblock's checksum right. */
export function seal(image: Buffer, blockBytes = 4096): void {
  const summed = blockBytes > 1024 ? blockBytes - 1024 : blockBytes;
  image.writeUInt32LE(0, 1028);
  image.writeUInt32LE(castagnoli(image.subarray(1024, 1024 + summed)), 1028);
}

/** CRC-32C bit by bit, without the inversion at the end, as EROFS has it. */
function castagnoli(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return crc >>> 0;
}
