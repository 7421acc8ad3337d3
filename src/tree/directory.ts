import { lstat, readdir, realpath, statfs } from "node:fs/promises";
import { hashOf64 } from "../bytes/hash.ts";
import { FILE_NAME_BYTES_MAX, TREE_OPEN_FILES_MAX } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { UserError } from "../user-error.ts";
import type { BlockCache } from "./cache/cache.ts";
import { Content, type ContentSource } from "./content.ts";
import { Disk } from "./disk.ts";
import { Locator } from "./locator.ts";
import { OpenFiles } from "./open-files.ts";
import type { Parents } from "./parents.ts";
import type { Place } from "./places.ts";
import { DirectoryReader } from "./readdir.ts";
import { SharedWork } from "./shared-work.ts";
import { attributesOf, treeErrorOf } from "./stats.ts";
import type {
  Answer,
  Attributes,
  DirectoryPage,
  FileId,
  FileSlice,
  Tree,
  TreeError,
  TreeUsage,
} from "./tree.ts";

export interface DirectoryOptions {
  readonly clock: Clock;
  readonly cache: BlockCache;
  /** Of all threads that serve the same directory. */
  readonly parents?: Parents;
}

/** What changes so often while it is asked about is given up on. */
const ATTEMPTS_MAX = 4;

/**
 * Serves a directory on disk, live: what changes there is seen within TREE_AGE_MS. A file's id is its inode number, so
 * ids outlive a restart and renames; nothing is read at start. What is mounted below shows as an empty directory,
 * symbolic links are told and never followed, and only regular files are opened.
 * @throws UserError where there is no directory to serve.
 */
export async function openDirectory(path: string, options: DirectoryOptions): Promise<Tree> {
  try {
    const real = await realpath(path, { encoding: "latin1" });
    const bytes = Buffer.from(real, "latin1");
    const stats = await lstat(bytes, { bigint: true });
    if (!stats.isDirectory()) throw new UserError(`the tree ${path} is not a directory`);
    await readdir(bytes);
    const attributes = attributesOf(stats, stats.ino as FileId);
    const type = (await statfs(bytes)).type >>> 0;
    const kind = {
      isLocal: !remoteFileSystems.has(type),
      tellsSizes: fileSystemsWithSizes.has(type),
    };
    return new DirectoryTree(bytes, new Disk(real, stats.dev), attributes, { ...options, ...kind });
  } catch (error) {
    if (error instanceof UserError) throw error;
    const reasons: Partial<Record<TreeError, string>> = {
      "not-found": "does not exist: build it, or mend its path in the configuration",
      "not-directory": "is not a directory",
      denied: "may not be read: run as root, or serve a tree of your own",
    };
    const reason = reasons[treeErrorOf(error)] ?? `cannot be read: ${String(error)}`;
    throw new UserError(`the tree ${path} ${reason}`, { cause: error });
  }
}

/** statfs(2): network and FUSE file systems, which may ask another machine or program for what they were asked before. */
const remoteFileSystems = new Set([
  0x6969, 0x517b, 0xff534d42, 0xfe534d42, 0x6573_5546, 0x0102_1997, 0x00c3_6400, 0x5346_414f,
  0x7375_7245, 0x0116_1970, 0x7461_636f, 0x0bd0_0bd0, 0x4750_4653,
]);

/** statfs(2): ext4, XFS, btrfs, tmpfs. The more names a directory has, the larger it is; of an overlay, another one is told. */
const fileSystemsWithSizes = new Set([0xef53, 0x5846_5342, 0x9123_683e, 0x0102_1994]);

interface FileSystemKind {
  /** No other machine or program is asked. */
  readonly isLocal: boolean;
  /** A directory's size says how much there is to list. */
  readonly tellsSizes: boolean;
}

class DirectoryTree implements Tree {
  readonly root: FileId;
  readonly identity: bigint;
  readonly #path: Buffer;
  readonly #disk: Disk;
  readonly #clock: Clock;
  readonly #locator: Locator;
  readonly #directories: DirectoryReader;
  readonly #files = new OpenFiles(TREE_OPEN_FILES_MAX);
  readonly #cache: BlockCache;
  readonly #contents: ContentSource;
  readonly #lookingUp = new SharedWork<string, Attributes | TreeError>();

  constructor(
    path: Buffer,
    disk: Disk,
    root: Attributes,
    options: DirectoryOptions & FileSystemKind,
  ) {
    const { clock, cache, isLocal, tellsSizes, parents } = options;
    this.root = root.id;
    this.identity = (BigInt(hashOf64(root.id)) << 32n) | BigInt(root.generation);
    this.#path = path;
    this.#disk = disk;
    this.#clock = clock;
    this.#cache = cache;
    this.#contents = { space: hashOf64(this.identity), disk, files: this.#files };
    const gone = (id: FileId) => this.#files.forget(id);
    const parentOf = (id: FileId) => parents?.get(this.identity, id);
    const found = (id: FileId, parent: FileId) => parents?.set(this.identity, id, parent);
    this.#locator = new Locator({ clock, disk, root, gone, isLocal, parentOf, found });
    this.#directories = new DirectoryReader({ clock, disk, locator: this.#locator, tellsSizes });
  }

  attributes(id: FileId): Answer<Attributes> {
    const place = this.#locator.place(id);
    return place instanceof Promise ? place.then(attributesIn) : attributesIn(place);
  }

  lookup(directory: FileId, name: string): Answer<Attributes> {
    const now = this.#clock.now();
    const known = isName(name) ? this.#locator.knownAt(directory, name, now) : undefined;
    if (known === "absent") return "not-found";
    if (known !== undefined) return known.attributes;
    return this.#lookingUp.do(`${directory}/${name}`, () => this.#lookup(directory, name));
  }

  readlink(id: FileId): Answer<{ readonly target: string }> {
    const now = this.#clock.now();
    const place = this.#locator.known(id, now);
    if (place === undefined) return this.#readlink(id);
    return place.link ?? this.#readlinkNow(place, now) ?? this.#readlink(id);
  }

  readdir(directory: FileId, cookie: bigint, entriesMax: number): Answer<DirectoryPage> {
    if (cookie > BigInt(Number.MAX_SAFE_INTEGER)) return "bad-cookie";
    return this.#directories.read(directory, { cookie: Number(cookie), entriesMax });
  }

  read(id: FileId, offset: number, length: number): Answer<FileSlice> {
    const place = this.#locator.place(id);
    const proceed = (found: Place | TreeError): Answer<FileSlice> =>
      typeof found === "string" ? found : this.#read(found, { offset, length }, ATTEMPTS_MAX);
    return place instanceof Promise ? place.then(proceed) : proceed(place);
  }

  async usage(): Promise<TreeUsage | TreeError> {
    try {
      const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(this.#path);
      return {
        totalBytes: blocks * bsize,
        freeBytes: bfree * bsize,
        availableBytes: bavail * bsize,
        totalFiles: files,
        freeFiles: ffree,
      };
    } catch (error) {
      return treeErrorOf(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#locator[Symbol.dispose]();
    await this.#files[Symbol.asyncDispose]();
  }

  async #lookup(id: FileId, name: string): Promise<Attributes | TreeError> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const directory = await this.#locator.directory(id);
      if (typeof directory === "string") return directory;
      if (name === ".") return directory.attributes;
      if (name === "..") return this.attributes((directory.parent ?? directory).id);
      if (directory.isMountPoint || !isName(name)) return "not-found";
      const looked = await this.#locator.look(directory, [name]);
      if (looked === "moved") continue;
      const [found] = looked;
      return found === undefined ? "not-found" : attributesIn(found);
    }
    return "io";
  }

  #readlinkNow(place: Place, now: number): { readonly target: string } | undefined {
    const { id, type, generation } = place.attributes;
    if (type !== "symlink") return undefined;
    const link = this.#locator.askOf(place, now, () => this.#disk.readlinkNow(place));
    if (typeof link !== "object") return undefined;
    // If the same link is still at that name now, then the target is its own.
    place.goodUntil = 0;
    const again = this.#locator.known(id, now);
    if (again !== place || again.attributes.generation !== generation) return undefined;
    place.link = link;
    return link;
  }

  async #readlink(id: FileId): Promise<{ readonly target: string } | TreeError> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const place = await this.#locator.place(id);
      if (typeof place === "string") return place;
      if (place.attributes.type !== "symlink") return "not-symlink";
      const { generation } = place.attributes;
      const link = await this.#disk.readlink(place);
      if (typeof link === "string" && link !== "moved") return link;
      // If the same link is still at that name now, then the target is its own.
      place.goodUntil = 0;
      const again = await this.#locator.place(id);
      if (typeof again === "string") return again;
      if (again.attributes.generation !== generation) return "stale";
      if (again === place && link !== "moved") {
        place.link = link;
        return link;
      }
    }
    return "io";
  }

  #read(
    place: Place,
    range: { readonly offset: number; readonly length: number },
    attemptsLeft: number,
  ): Answer<FileSlice> {
    if (place.attributes.type !== "file") return "not-file";
    const content = this.#contentOf(place);
    const { offset, length } = range;
    const isNothing = length === 0 || offset >= content.size;
    const slice =
      content.isSettled || isNothing
        ? this.#cache.read(content, offset, length)
        : this.#cache.readUncached(content, offset, length);
    if (!(slice instanceof Promise)) return slice;
    return slice.then(async (found) => {
      if (typeof found !== "string" || !content.isOutdated || attemptsLeft === 0) return found;
      place.goodUntil = 0;
      const again = await this.#locator.place(place.id);
      if (typeof again === "string") return again;
      // The inode is that of another file now, whose bytes were not asked for.
      if (again.attributes.generation !== content.attributes.generation) return "stale";
      return this.#read(again, range, attemptsLeft - 1);
    });
  }

  #contentOf(place: Place): Content {
    const known = place.content;
    if (known?.attributes === place.attributes && known.isSettled) return known;
    place.content = new Content(place, this.#contents, this.#clock.epochMs());
    return place.content;
  }
}

function attributesIn(place: Place | TreeError): Attributes | TreeError {
  return typeof place === "string" ? place : place.attributes;
}

/** What a directory on Linux can hold besides `.` and `..`; anything else would be a path, or no bytes. */
function isName(name: string): boolean {
  const isPath = name === "." || name === ".." || /[/\0]|[^\0-\xff]/.test(name);
  return !isPath && name.length > 0 && name.length <= FILE_NAME_BYTES_MAX;
}
