import { ARCHIVE_PIECE_BYTES, UNPACK_NAMES, UNPACK_READ_BYTES } from "../../limits.ts";
import type { ErofsTree } from "../../tree/erofs/tree.ts";
import type { Attributes, DirectoryEntry, FileType, TreeError } from "../../tree/tree.ts";
import { UserError } from "../../user-error.ts";
import { TAR_END, tarHeader, tarPadding } from "./tar.ts";

export interface ArchiveOptions {
  /** Which are in it, by path from the root, such as `etc/hosts`; "" is the root. All unless said. */
  readonly has?: (path: string, attributes: Attributes) => boolean;
  /** After each file: what of the image was read so far. */
  readonly progress?: (path: string, bytes: number) => void;
}

type Archived = Attributes & { readonly type: Exclude<FileType, "socket"> };

/**
 * An image as a pax archive, in pieces, directories before what is in them. Sockets are not in it: no archive has any.
 * @throws UserError where the image is damaged.
 */
export async function* archiveOf(
  tree: ErofsTree,
  options: ArchiveOptions = {},
): AsyncGenerator<Uint8Array> {
  yield* new Archive(tree, options).pieces();
}

export interface Place {
  /** From the root, whose own is "". */
  readonly path: string;
  readonly attributes: Attributes;
}

/** Every file of an image by path, the root's "" first. @throws UserError where the image is damaged. */
export async function* placesOf(tree: ErofsTree): AsyncGenerator<Place> {
  const directories = new Set<bigint>();
  const root = good(await tree.attributes(tree.root), "");
  const pending: Place[] = [{ path: "", attributes: root }];
  for (let place = pending.pop(); place !== undefined; place = pending.pop()) {
    yield place;
    const { id, type } = place.attributes;
    if (type !== "directory") continue;
    // A directory has one name: else there would be no end to it.
    if (directories.has(id)) throw damaged(place.path, "is in two places");
    directories.add(id);
    for (const { name, attributes } of await entriesOf(tree, place)) {
      pending.push({ path: place.path === "" ? name : `${place.path}/${name}`, attributes });
    }
  }
}

async function entriesOf(tree: ErofsTree, { path, attributes }: Place): Promise<DirectoryEntry[]> {
  const entries: DirectoryEntry[] = [];
  for (let cookie = 0n; ; ) {
    const page = good(await tree.readdir(attributes.id, cookie, UNPACK_NAMES), path);
    entries.push(...page.entries.filter(({ name }) => name !== "." && name !== ".."));
    const last = page.entries.at(-1);
    if (page.end || last === undefined) return entries;
    cookie = last.cookie;
  }
}

class Archive {
  readonly #tree: ErofsTree;
  readonly #options: ArchiveOptions;
  /** First names of files with several. */
  readonly #names = new Map<bigint, string>();
  #piece = Buffer.allocUnsafe(ARCHIVE_PIECE_BYTES);
  #filled = 0;
  #bytes = 0;

  constructor(tree: ErofsTree, options: ArchiveOptions) {
    this.#tree = tree;
    this.#options = options;
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    const { has, progress } = this.#options;
    for await (const { path, attributes } of placesOf(this.#tree)) {
      if (!isArchived(attributes) || has?.(path, attributes) === false) continue;
      yield* this.#entry(path, attributes);
      progress?.(path, this.#bytes);
    }
    yield* this.#add(TAR_END);
    yield this.#piece.subarray(0, this.#filled);
  }

  async *#entry(path: string, attributes: Archived): AsyncGenerator<Uint8Array> {
    const { id, type } = attributes;
    const linked = this.#linked(path, attributes);
    const size = type === "file" && linked === undefined ? attributes.size : 0;
    const target =
      type === "symlink" ? good(await this.#tree.readlink(id), path).target : undefined;
    const xattrs = good(await this.#tree.xattrs(id), path);
    yield* this.#add(tarHeader({ ...attributes, path: `./${path}`, size, target, linked, xattrs }));
    for (let at = 0; at < size; ) {
      const slice = good(await this.#tree.read(id, at, UNPACK_READ_BYTES), path);
      at += slice.length;
      try {
        for (const part of slice.parts) yield* this.#add(part);
      } finally {
        slice.release();
      }
      if (slice.length === 0) throw damaged(path, "ends early");
    }
    this.#bytes += size;
    yield* this.#add(TAR_END.subarray(0, tarPadding(size)));
  }

  #linked(path: string, { id, type, links }: Attributes): string | undefined {
    if (links < 2 || type === "directory") return undefined;
    const first = this.#names.get(id);
    if (first === undefined) this.#names.set(id, `./${path}`);
    return first;
  }

  /** Copied, into pieces of one size. */
  *#add(bytes: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#piece.length - this.#filled);
      this.#piece.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled < this.#piece.length) continue;
      yield this.#piece;
      this.#piece = Buffer.allocUnsafe(ARCHIVE_PIECE_BYTES);
      this.#filled = 0;
    }
  }
}

function isArchived(attributes: Attributes): attributes is Archived {
  return attributes.type !== "socket";
}

function good<T extends object>(answer: T | TreeError, path: string): T {
  if (typeof answer !== "string") return answer;
  throw damaged(path, `cannot be read (${answer})`);
}

function damaged(path: string, what: string): UserError {
  const name = Buffer.from(path, "latin1").toString();
  return new UserError(
    `the image is damaged: /${name} ${what}; use another version (sidus image list)`,
    { exitCode: 1 },
  );
}
