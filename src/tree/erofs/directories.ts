import { TREE_LISTED_NAMES_MAX, TREE_NAMES_MAX } from "../../limits.ts";
import { RecentPages } from "../recent-pages.ts";
import type {
  Attributes,
  DirectoryEntry,
  DirectoryPage,
  FileId,
  FileSlice,
  TreeError,
} from "../tree.ts";
import { readData } from "./data.ts";
import { cookieAfter, DirectoryBlock, indexAfter, isName } from "./directory.ts";
import { type Image, lookAt } from "./image.ts";
import type { Inode } from "./inode.ts";
import type { Inodes } from "./inodes.ts";
import { Remembered } from "./remembered.ts";
import { known, type Steps } from "./steps.ts";

/** No inode is so far. */
const ABSENT = Number.MAX_SAFE_INTEGER;

interface Found {
  readonly number: number;
}

type Entries = readonly DirectoryEntry[];

/** Finds names in directories and lists them; what was found is remembered. */
export class Directories {
  readonly #image: Image;
  readonly #inodes: Inodes;
  readonly #found = new Remembered<string, number>(TREE_NAMES_MAX);
  readonly #recent = new RecentPages();
  readonly #listed = new Remembered<number, Entries>(TREE_LISTED_NAMES_MAX);

  constructor(image: Image, inodes: Inodes) {
    this.#image = image;
    this.#inodes = inodes;
  }

  /** At once, where it is remembered. */
  remembered(directory: number, name: string): Attributes | "not-found" | undefined {
    const number = this.#found.get(directory, name);
    if (number === undefined) return undefined;
    return number === ABSENT ? "not-found" : this.#inodes.remembered(number)?.attributes;
  }

  *lookup(directory: Inode, name: string): Steps<Attributes> {
    if (!isName(name)) return "not-found";
    const found = yield* this.#find(directory, name);
    const isAbsent = found === "not-found";
    if (typeof found === "string" && !isAbsent) return found;
    const number = isAbsent ? ABSENT : this.#target(directory, name, found.number);
    this.#found.set(directory.number, name, number, 1);
    if (isAbsent) return "not-found";
    const inode = yield* this.#inodes.get(number);
    return typeof inode === "string" ? inode : inode.attributes;
  }

  /** At once, where it was read lately. */
  recentPage(directory: FileId, cookie: number, entriesMax: number): DirectoryPage | undefined {
    return this.#recent.get(directory, { cookie, entriesMax }, 0);
  }

  *page(directory: Inode, cookie: number, entriesMax: number): Steps<DirectoryPage> {
    const { id, size } = directory.attributes;
    let position = cookie;
    if (position > 0 && position >= size) return "bad-cookie";
    const page: DirectoryEntry[] = [];
    while (position < size && page.length < entriesMax) {
      const block = Math.floor(position / this.#image.blockBytes);
      const blockAt = block * this.#image.blockBytes;
      const entries =
        this.#listed.get(directory.number, block) ?? (yield* this.#list(directory, block));
      if (typeof entries === "string") return entries;
      const index = indexAfter(blockAt, position);
      if (index === undefined || index > entries.length) return "bad-cookie";
      const taken = entries.slice(index, index + entriesMax - page.length);
      page.push(...taken);
      const isWhole = index + taken.length === entries.length;
      position = blockAt + this.#image.blockBytes;
      if (!isWhole) position = cookieAfter(blockAt, index + taken.length - 1);
    }
    const whole = { entries: page, end: position >= size };
    const goodUntil = Number.POSITIVE_INFINITY;
    return this.#recent.put(id, { cookie, entriesMax, goodUntil, page: whole });
  }

  /** As names are sorted within blocks and over them. */
  *#find(directory: Inode, name: string): Steps<Found> {
    let low = 0;
    let high = Math.ceil(directory.attributes.size / this.#image.blockBytes) - 1;
    while (low <= high) {
      const middle = Math.floor((low + high) / 2);
      const slice = yield* this.#readBlock(directory, middle);
      const found = lookAt(slice, (bytes) => findIn(bytes, name));
      if (typeof found === "string" || "number" in found) return found;
      if (found === BEFORE) high = middle - 1;
      else low = middle + 1;
    }
    return "not-found";
  }

  *#list(directory: Inode, block: number): Steps<Entries> {
    const named = lookAt(yield* this.#readBlock(directory, block), namedIn);
    if (typeof named === "string") return named;
    const entries: DirectoryEntry[] = [];
    for (const [index, { name, number }] of named.entries()) {
      const inode = yield* this.#inodes.get(this.#target(directory, name, number));
      if (typeof inode === "string") return inode;
      const cookie = BigInt(cookieAfter(block * this.#image.blockBytes, index));
      entries.push({ name, cookie, attributes: inode.attributes });
    }
    this.#listed.set(directory.number, block, entries, entries.length);
    return entries;
  }

  *#readBlock(directory: Inode, block: number): Steps<FileSlice> {
    const { blockBytes } = this.#image;
    const offset = block * blockBytes;
    const length = Math.min(blockBytes, directory.attributes.size - offset);
    return yield* known(readData(this.#image, directory, offset, length));
  }

  /** Above the root is nothing, whatever the image says. */
  #target(directory: Inode, name: string, number: number): number {
    const { root } = this.#image.superblock;
    return name === ".." && directory.number === root ? root : number;
  }
}

const BEFORE = { side: "before" } as const;
const AFTER = { side: "after" } as const;

/** Whether a name comes before all of a block's, or after them. */
function findIn(bytes: Uint8Array, name: string): Found | typeof BEFORE | typeof AFTER | TreeError {
  const block = DirectoryBlock.of(bytes);
  if (block === undefined) return "io";
  let low = 0;
  let high = block.count - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const order = block.compare(name, middle);
    if (order === undefined) return "io";
    if (order === 0) return { number: block.inode(middle) };
    if (order < 0) high = middle - 1;
    else low = middle + 1;
  }
  if (low === 0) return BEFORE;
  return low === block.count ? AFTER : "not-found";
}

interface Named extends Found {
  readonly name: string;
}

function namedIn(bytes: Uint8Array): readonly Named[] | TreeError {
  const block = DirectoryBlock.of(bytes);
  if (block === undefined) return "io";
  const named: Named[] = [];
  for (let index = 0; index < block.count; index += 1) {
    const name = block.name(index);
    if (name === undefined) return "io";
    named.push({ name, number: block.inode(index) });
  }
  return named;
}
