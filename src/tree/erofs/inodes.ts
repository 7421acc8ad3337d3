import { TREE_ENTRIES_MAX } from "../../limits.ts";
import { type Image, lookAt } from "./image.ts";
import { decodeInode, INODE_BYTES_MAX, type Inode, inodeAt, SLOT_BYTES } from "./inode.ts";
import { known, type Steps } from "./steps.ts";

/** Inodes by their numbers; those that were read are remembered, until there are too many. */
export class Inodes {
  readonly #image: Image;
  readonly #remembered = new Map<number, Inode>();

  constructor(image: Image) {
    this.#image = image;
  }

  remembered(number: number): Inode | undefined {
    return this.#remembered.get(number);
  }

  /** Whether the image could hold it. */
  has(number: number): boolean {
    const end = inodeAt(number, this.#image.superblock) + SLOT_BYTES;
    return number >= 0 && end <= this.#image.size;
  }

  *get(number: number): Steps<Inode> {
    return this.#remembered.get(number) ?? (yield* this.#read(number));
  }

  *#read(number: number): Steps<Inode> {
    if (!this.has(number)) return "io";
    const { superblock, size } = this.#image;
    const at = inodeAt(number, superblock);
    const length = Math.min(INODE_BYTES_MAX, size - at);
    const slice = yield* known(this.#image.read(at, length));
    const inode = lookAt(slice, (bytes) => decodeInode(bytes, number, superblock) ?? "io");
    if (typeof inode === "string") return inode;
    // Who asked at the same time may have been first: there is one object.
    const first = this.#remembered.get(number);
    if (first !== undefined) return first;
    if (this.#remembered.size >= TREE_ENTRIES_MAX) this.#remembered.clear();
    this.#remembered.set(number, inode);
    return inode;
  }
}
