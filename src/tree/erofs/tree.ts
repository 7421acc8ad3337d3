import type { FileHandle } from "node:fs/promises";
import { PATH_BYTES_MAX } from "../../limits.ts";
import type {
  Answer,
  Attributes,
  DirectoryPage,
  FileId,
  FileSlice,
  Tree,
  TreeError,
  TreeUsage,
} from "../tree.ts";
import { readData } from "./data.ts";
import { Directories } from "./directories.ts";
import { type Image, lookAt } from "./image.ts";
import type { Inode } from "./inode.ts";
import { Inodes } from "./inodes.ts";
import { finish, known, type Steps } from "./steps.ts";
import { readXattrs, type Xattrs } from "./xattrs.ts";

/** An image as a tree. A file's id is the number of its inode. */
export class ErofsTree implements Tree {
  readonly root: FileId;
  readonly identity: bigint;
  readonly #handle: FileHandle;
  readonly #image: Image;
  readonly #inodes: Inodes;
  readonly #directories: Directories;

  constructor(image: Image, handle: FileHandle, identity: bigint) {
    this.root = BigInt(image.superblock.root) as FileId;
    this.identity = identity;
    this.#handle = handle;
    this.#image = image;
    this.#inodes = new Inodes(image);
    this.#directories = new Directories(image, this.#inodes);
  }

  attributes(id: FileId): Answer<Attributes> {
    return this.#inodes.remembered(Number(id))?.attributes ?? finish(this.#attributes(id));
  }

  lookup(directory: FileId, name: string): Answer<Attributes> {
    return (
      this.#directories.remembered(Number(directory), name) ?? finish(this.#lookup(directory, name))
    );
  }

  readlink(id: FileId): Answer<{ readonly target: string }> {
    return this.#inodes.remembered(Number(id))?.link ?? finish(this.#readlink(id));
  }

  readdir(directory: FileId, cookie: bigint, entriesMax: number): Answer<DirectoryPage> {
    const position = Number(cookie);
    return (
      this.#directories.recentPage(directory, position, entriesMax) ??
      finish(this.#readdir(directory, position, entriesMax))
    );
  }

  read(id: FileId, offset: number, length: number): Answer<FileSlice> {
    const inode = this.#inodes.remembered(Number(id));
    if (inode === undefined) return finish(this.#readUnknown(id, offset, length));
    return this.#read(inode, offset, length);
  }

  /** Of no use to NFSv3: for whoever copies or compares images. */
  xattrs(id: FileId): Answer<Xattrs> {
    return finish(this.#xattrs(id));
  }

  usage(): TreeUsage {
    const { blocks, inodes } = this.#image.superblock;
    return {
      totalBytes: blocks * this.#image.blockBytes,
      freeBytes: 0,
      availableBytes: 0,
      totalFiles: inodes,
      freeFiles: 0,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  /** What no inode of this image can be comes from elsewhere. */
  *#inode(id: FileId): Steps<Inode> {
    const number = Number(id);
    return this.#inodes.has(number) ? yield* this.#inodes.get(number) : "stale";
  }

  *#attributes(id: FileId): Steps<Attributes> {
    const inode = yield* this.#inode(id);
    return typeof inode === "string" ? inode : inode.attributes;
  }

  *#xattrs(id: FileId): Steps<Xattrs> {
    const inode = yield* this.#inode(id);
    return typeof inode === "string" ? inode : yield* readXattrs(this.#image, inode);
  }

  *#lookup(id: FileId, name: string): Steps<Attributes> {
    const directory = yield* this.#directory(id);
    if (typeof directory === "string") return directory;
    return yield* this.#directories.lookup(directory, name);
  }

  *#readdir(id: FileId, cookie: number, entriesMax: number): Steps<DirectoryPage> {
    const directory = yield* this.#directory(id);
    if (typeof directory === "string") return directory;
    return yield* this.#directories.page(directory, cookie, entriesMax);
  }

  *#directory(id: FileId): Steps<Inode> {
    const inode = yield* this.#inode(id);
    if (typeof inode === "string") return inode;
    return inode.attributes.type === "directory" ? inode : "not-directory";
  }

  *#readUnknown(id: FileId, offset: number, length: number): Steps<FileSlice> {
    const inode = yield* this.#inode(id);
    if (typeof inode === "string") return inode;
    return yield* known(this.#read(inode, offset, length));
  }

  #read(inode: Inode, offset: number, length: number): Answer<FileSlice> {
    const { type, size } = inode.attributes;
    if (type !== "file") return "not-file";
    if (length === 0 || offset >= size) return nothing(offset >= size);
    return readData(this.#image, inode, offset, Math.min(length, size - offset));
  }

  *#readlink(id: FileId): Steps<{ readonly target: string }> {
    const inode = yield* this.#inode(id);
    if (typeof inode === "string") return inode;
    const { type, size } = inode.attributes;
    if (type !== "symlink") return "not-symlink";
    if (size === 0 || size >= PATH_BYTES_MAX) return "io";
    const link = lookAt(yield* known(readData(this.#image, inode, 0, size)), targetIn);
    if (typeof link !== "string") inode.link = link;
    return link;
  }
}

function nothing(end: boolean): FileSlice {
  return { parts: [], length: 0, end, release() {} };
}

function targetIn(bytes: Uint8Array): { readonly target: string } | TreeError {
  const target = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
  return target.includes("\0") ? "io" : { target };
}
