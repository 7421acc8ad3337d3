import { FILE_NAME_BYTES_MAX } from "../../limits.ts";

/**
 * A block of a directory: entries of 12 bytes, sorted by the bytes of their names, and then the names. A name goes
 * to where the next one starts; the last goes to the first zero, or to the end.
 *
 *   0     8         10     11   12
 *   | nid | nameoff | type | 0  | more entries … | names … | zeros
 *
 * The first name's offset tells how many entries there are.
 */
const ENTRY_BYTES = 12;
const NAME_OFFSET_AT = 8;

/** The entry's cookie is where the next one is, from the directory's start: never 0, and never in another block. */
export function cookieAfter(blockAt: number, index: number): number {
  return blockAt + (index + 1) * ENTRY_BYTES;
}

/** The index of the entry that follows a cookie; undefined where none can. */
export function indexAfter(blockAt: number, cookie: number): number | undefined {
  const index = (cookie - blockAt) / ENTRY_BYTES;
  return Number.isInteger(index) ? index : undefined;
}

/** What Linux can look up. */
export function isName(name: string): boolean {
  return name.length > 0 && name.length <= FILE_NAME_BYTES_MAX && !/[/\0]/.test(name);
}

export class DirectoryBlock {
  readonly count: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  /** Undefined where this is no block of a directory. Names are checked when they are read. */
  static of(bytes: Uint8Array): DirectoryBlock | undefined {
    if (bytes.length < ENTRY_BYTES) return undefined;
    const block = new DirectoryBlock(bytes);
    const isGood = block.count > 0 && Number.isInteger(block.count);
    return isGood && block.count * ENTRY_BYTES < bytes.length ? block : undefined;
  }

  private constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.count = this.#nameOffset(0) / ENTRY_BYTES;
  }

  /** The number of the entry's inode, not to be trusted. */
  inode(index: number): number {
    return Number(this.#view.getBigUint64(index * ENTRY_BYTES, true));
  }

  /** Undefined where the entry has none, or one that Linux could not look up. */
  name(index: number): string | undefined {
    const start = this.#nameOffset(index);
    const end = this.#nameEnd(index);
    if (end === undefined) return undefined;
    const { buffer, byteOffset } = this.#bytes;
    const name = Buffer.from(buffer, byteOffset + start, end - start).toString("latin1");
    return isName(name) ? name : undefined;
  }

  /**
   * Below 0 where `name` comes before the entry's, 0 where it is the entry's, and above 0 where it comes after it;
   * undefined where the entry has no name.
   */
  compare(name: string, index: number): number | undefined {
    const start = this.#nameOffset(index);
    const end = this.#nameEnd(index);
    if (end === undefined) return undefined;
    const length = Math.min(name.length, end - start);
    for (let at = 0; at < length; at += 1) {
      const difference = name.charCodeAt(at) - this.#view.getUint8(start + at);
      if (difference !== 0) return difference;
    }
    return name.length - (end - start);
  }

  #nameOffset(index: number): number {
    return this.#view.getUint16(index * ENTRY_BYTES + NAME_OFFSET_AT, true);
  }

  #nameEnd(index: number): number | undefined {
    const start = this.#nameOffset(index);
    const end = index + 1 < this.count ? this.#nameOffset(index + 1) : this.#lastNameEnd(start);
    const isInside = start >= this.count * ENTRY_BYTES && end <= this.#bytes.length;
    return isInside && start < end && end - start <= FILE_NAME_BYTES_MAX ? end : undefined;
  }

  #lastNameEnd(start: number): number {
    const zero = this.#bytes.indexOf(0, start);
    return zero < 0 ? this.#bytes.length : zero;
  }
}
