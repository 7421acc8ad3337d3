import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { isMalformed } from "../../bytes/malformed.ts";
import { DirectoryBlock } from "../../tree/erofs/directory.ts";
import { decodeInode, INODE_BYTES_MAX, type Inode, inodeAt } from "../../tree/erofs/inode.ts";
import {
  decodeSuperblock,
  FIRST_BYTES,
  type Superblock,
  writeChecksum,
} from "../../tree/erofs/superblock.ts";

const ENTRY_BYTES = 12;
const ENTRY_TYPE_AT = 10;

export interface FreshEntry {
  /** A byte a character. */
  readonly name: string;
  /** Of its inode. */
  readonly number: number;
  readonly isDirectory: boolean;
  /** Where its file_type is in the image (fs/erofs/erofs_fs.h of Linux). */
  readonly typeAt: number;
}

/** file_type of a directory. */
const DIRECTORY = 2;

/** An image that mkfs.erofs has just written: it is not damaged, and has no chunks in its directories. */
export class FreshImage implements Disposable {
  readonly #descriptor: number;
  readonly #superblock: Superblock;

  constructor(file: string) {
    this.#descriptor = openSync(file, "r+");
    const superblock = decodeSuperblock(this.read(0, FIRST_BYTES));
    if (isMalformed(superblock)) throw new Error(`the image ${superblock.malformed}`);
    this.#superblock = superblock;
  }

  /** Fewer bytes where the image ends. */
  read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#descriptor, bytes, 0, length, at));
  }

  write(at: number, bytes: Uint8Array): void {
    writeSync(this.#descriptor, bytes, 0, bytes.length, at);
  }

  get root(): number {
    return this.#superblock.root;
  }

  /** Of an inode, in bytes from the image's start. */
  placeOf(number: number): number {
    return inodeAt(number, this.#superblock);
  }

  inode(number: number): Inode {
    const bytes = this.read(this.placeOf(number), INODE_BYTES_MAX);
    const inode = decodeInode(bytes, number, this.#superblock);
    if (inode === undefined) throw new Error(`the image's inode ${number} cannot be read`);
    return inode;
  }

  /** Of a directory, without itself and its parent. */
  *entries(number: number): Generator<FreshEntry> {
    const directory = this.inode(number);
    const { size } = directory.attributes;
    const blockBytes = 2 ** this.#superblock.blockBits;
    for (let offset = 0; offset < size; offset += blockBytes) {
      const at = blockAt(directory, offset);
      const bytes = this.read(at, Math.min(blockBytes, size - offset));
      const block = DirectoryBlock.of(bytes);
      for (let index = 0; index < (block?.count ?? 0); index += 1) {
        const name = block?.name(index);
        if (block === undefined || name === undefined) throw new Error("a name cannot be read");
        if (name === "." || name === "..") continue;
        const typeAt = ENTRY_BYTES * index + ENTRY_TYPE_AT;
        const isDirectory = bytes[typeAt] === DIRECTORY;
        yield { name, number: block.inode(index), isDirectory, typeAt: at + typeAt };
      }
    }
  }

  /** What was written may have been in the first block, which the superblock's checksum is of. */
  [Symbol.dispose](): void {
    try {
      const first = this.read(0, FIRST_BYTES);
      writeChecksum(first, this.#superblock.blockBits);
      this.write(0, first);
    } finally {
      closeSync(this.#descriptor);
    }
  }
}

function blockAt({ data }: Inode, offset: number): number {
  if (data.kind === "plain" && data.at !== undefined) return data.at + offset;
  if (data.kind === "inline") return offset < data.tailOffset ? data.at + offset : data.tailAt;
  throw new Error("a directory of the image is in chunks");
}
