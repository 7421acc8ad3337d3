import { createCipheriv } from "node:crypto";
import { crc32 } from "node:zlib";
import { STORM_ISCSI_WRITTEN_BLOCKS } from "../../limits.ts";

/** The block that traces and volumes are counted in. */
export const BLOCK_BYTES = 512;

/** What blocks are cut from, after their own name: the same in every thread and each storm. */
const POOL_BYTES = 64 * 1024;
const pool = createCipheriv("aes-128-ctr", Buffer.alloc(16, "sidus"), Buffer.alloc(16)).update(
  Buffer.alloc(POOL_BYTES),
);
/** Address, whose it is, and that again: it is told where a block is another's, or at another's place. */
const NAME_BYTES = 16;

/**
 * What a node writes to its volume: each block is made from its address and from whose it is, so that written blocks can
 * be judged when they are read, with a bit of memory for each.
 */
export class VolumeContent {
  readonly #key: number;
  /** Which blocks were written: bits, in pieces of as many blocks. */
  readonly #written = new Map<number, Uint8Array>();
  readonly #block = Buffer.allocUnsafe(BLOCK_BYTES);

  constructor(seed: number, name: string) {
    this.#key = (crc32(name) ^ seed) >>> 0;
  }

  /** `into` becomes what is `offset` bytes after the beginning of a block. */
  fill(lba: number, offset: number, into: Buffer): void {
    eachBlock(lba, offset, into, (block, start, part) => {
      this.#make(block);
      this.#block.copy(part, 0, start, start + part.length);
    });
  }

  wrote(lba: number, blocks: number): void {
    for (let block = lba; block < lba + blocks; block += 1) {
      const bits = this.#bitsOf(block, true);
      const at = block % STORM_ISCSI_WRITTEN_BLOCKS;
      if (bits !== undefined) bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
    }
  }

  /** Something else is there now. */
  forget(lba: number, blocks: number): void {
    for (let block = lba; block < lba + blocks; block += 1) {
      const bits = this.#bitsOf(block, false);
      const at = block % STORM_ISCSI_WRITTEN_BLOCKS;
      if (bits !== undefined) bits[at >> 3] = (bits[at >> 3] ?? 0) & ~(1 << (at & 7));
    }
  }

  /** How many of the bytes could be judged, and were right; undefined: some were wrong. */
  check(lba: number, offset: number, bytes: Buffer): number | undefined {
    let right = 0;
    let isWrong = false;
    eachBlock(lba, offset, bytes, (block, start, part) => {
      if (!this.#isWritten(block)) return;
      this.#make(block);
      const end = start + part.length;
      if (this.#block.compare(part, 0, part.length, start, end) === 0) right += part.length;
      else isWrong = true;
    });
    return isWrong ? undefined : right;
  }

  #make(lba: number): void {
    const block = this.#block;
    block.writeUInt32BE(Math.floor(lba / 2 ** 32), 0);
    block.writeUInt32BE(lba >>> 0, 4);
    block.writeUInt32BE(this.#key, 8);
    block.writeUInt32BE(~this.#key >>> 0, 12);
    const from = (Math.imul(lba, 0x9e37_79b1) ^ this.#key) & (POOL_BYTES - 1);
    const first = Math.min(BLOCK_BYTES - NAME_BYTES, POOL_BYTES - from);
    pool.copy(block, NAME_BYTES, from, from + first);
    pool.copy(block, NAME_BYTES + first, 0, BLOCK_BYTES - NAME_BYTES - first);
  }

  #isWritten(block: number): boolean {
    const at = block % STORM_ISCSI_WRITTEN_BLOCKS;
    return (((this.#bitsOf(block, false)?.[at >> 3] ?? 0) >> (at & 7)) & 1) === 1;
  }

  #bitsOf(block: number, isMade: boolean): Uint8Array | undefined {
    const piece = Math.floor(block / STORM_ISCSI_WRITTEN_BLOCKS);
    const found = this.#written.get(piece);
    if (found !== undefined || !isMade) return found;
    const made = new Uint8Array(STORM_ISCSI_WRITTEN_BLOCKS / 8);
    this.#written.set(piece, made);
    return made;
  }
}

/** `part`: what of the bytes is in the block, from `start` on. */
function eachBlock(
  lba: number,
  offset: number,
  bytes: Buffer,
  visit: (block: number, start: number, part: Buffer) => void,
): void {
  for (let at = 0; at < bytes.length; ) {
    const start = (offset + at) % BLOCK_BYTES;
    const end = Math.min(bytes.length, at + BLOCK_BYTES - start);
    visit(lba + Math.floor((offset + at) / BLOCK_BYTES), start, bytes.subarray(at, end));
    at = end;
  }
}
