import { lstat, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, type Instant } from "../bytes/instant.ts";
import { requireSigned } from "../image/store/signed.ts";
import { digestsIn, identityOf, versionFile } from "../image/store/versions.ts";
import { IMAGE_REFUSED_MS, IMAGE_VERSIONS_AGE_MS, TREE_RETIRED_MS } from "../limits.ts";
import type { Alarm, Clock } from "../net/clock.ts";
import type { BlockCache } from "../tree/cache/cache.ts";
import { openDirectory } from "../tree/directory.ts";
import { openErofs } from "../tree/erofs.ts";
import type { Parents } from "../tree/parents.ts";
import type { Tree } from "../tree/tree.ts";
import { UserError } from "../user-error.ts";

/** Where a tree comes from. */
export type TreeSource = { readonly kind: "directory"; readonly path: string } | ImageSource;

/** One version of an image, among the others in `directory`. */
export interface ImageSource {
  readonly kind: "image";
  readonly directory: string;
  readonly digest: string;
  /** Public keys, as PEM, one of which must have signed every version; undefined: nobody need have. */
  readonly keys?: readonly string[] | undefined;
}

export interface TreesOptions {
  readonly clock: Clock;
  readonly cache: BlockCache;
  readonly parents: Parents;
  /** Another thread has read the images that `open` is asked for, and found their digests right. */
  readonly isVerified?: boolean;
  /** Why a version that was asked for by a handle is not served; told once. */
  readonly warn: (text: string) => void;
}

/** A version that handles name. */
interface PinnedVersion {
  readonly tree: Promise<Tree | undefined>;
  /** When it is looked at again. */
  until: Instant;
}

interface OpenImage {
  readonly path: string;
  readonly tree: Promise<Tree>;
}

interface OpenDirectory {
  readonly tree: Tree;
  /** Another directory can be at the same path later, and the same one elsewhere. */
  readonly place: string;
}

/** Opened trees of one thread: what stays over a reload stays open. */
export class Trees implements AsyncDisposable {
  readonly #options: TreesOptions;
  readonly #directories = new Map<string, OpenDirectory>();
  /** By path, and what the file there was like: one that was changed is read and judged anew. */
  readonly #images = new Map<string, OpenImage>();
  readonly #pinned = new Map<string, PinnedVersion>();
  readonly #warned = new Set<string>();
  readonly #listed = new Map<
    string,
    { readonly at: Instant; readonly digests: readonly string[] }
  >();
  /** Whose directory was replaced, or whose version was removed: calls may still be about them for a time. */
  readonly #retired = new Map<Tree, Instant>();
  readonly #alarm: Alarm;

  constructor(options: TreesOptions) {
    this.#options = options;
    this.#alarm = options.clock.alarm(() => void this.#closeRetired());
  }

  open(source: TreeSource): Promise<Tree> {
    return source.kind === "directory"
      ? this.#directory(source.path)
      : this.#image(source, this.#options.isVerified ?? false);
  }

  /** The version that a handle of an earlier mount names, among those of this image that may be served. */
  async version(image: ImageSource, identity: bigint): Promise<Tree | undefined> {
    const digests = await this.#digests(image.directory);
    const digest = digests.find((one) => identityOf(one) === identity);
    return digest === undefined ? undefined : this.#pin({ ...image, digest }).tree;
  }

  /** Closes the versions that were removed, but for what is served: until then their room on the disk is not free. */
  async closeRemoved(served: readonly TreeSource[]): Promise<void> {
    const kept = new Set(served.map(pathOf));
    for (const [key, { path, tree }] of this.#images) {
      if (kept.has(path) || (await stampOf(path)) !== "") continue;
      this.#images.delete(key);
      const removed = await tree.catch(() => undefined);
      if (removed !== undefined) this.#retire(removed);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    const images = await Promise.allSettled([...this.#images.values()].map(({ tree }) => tree));
    const opened = images.flatMap((image) => (image.status === "fulfilled" ? [image.value] : []));
    const directories = [...this.#directories.values()].map(({ tree }) => tree);
    for (const tree of [...opened, ...directories, ...this.#retired.keys()]) {
      await tree[Symbol.asyncDispose]();
    }
  }

  async #directory(path: string): Promise<Tree> {
    const place = await placeOf(path);
    const known = this.#directories.get(path);
    if (known !== undefined && known.place === place) return known.tree;
    const tree = await openDirectory(path, this.#options);
    this.#directories.set(path, { tree, place });
    if (known !== undefined) this.#retire(known.tree);
    return tree;
  }

  #retire(tree: Tree): void {
    const at = after(this.#options.clock.now(), TREE_RETIRED_MS);
    this.#retired.set(tree, at);
    this.#alarm.set(at);
  }

  async #closeRetired(): Promise<void> {
    const now = this.#options.clock.now();
    for (const [tree, at] of this.#retired) {
      if (at > now) continue;
      this.#retired.delete(tree);
      await tree[Symbol.asyncDispose]();
    }
  }

  /** Every request by a handle asks for it: neither the good nor the bad is looked at each time. */
  #pin(image: ImageSource): PinnedVersion {
    const { clock } = this.#options;
    const key = [image.directory, image.digest, ...(image.keys ?? [])].join("\n");
    const known = this.#pinned.get(key);
    if (known !== undefined && clock.now() < known.until) return known;
    const tree = this.#image(image, false).catch((error: unknown) => {
      if (!(error instanceof UserError)) throw error;
      pinned.until = after(clock.now(), IMAGE_REFUSED_MS);
      this.#warnOnce(error.message);
      return undefined;
    });
    const pinned: PinnedVersion = { tree, until: after(clock.now(), IMAGE_VERSIONS_AGE_MS) };
    this.#pinned.set(key, pinned);
    return pinned;
  }

  #warnOnce(text: string): void {
    if (this.#warned.has(text)) return;
    this.#warned.add(text);
    this.#options.warn(text);
  }

  /** @throws UserError for one that is damaged, or that nobody who is trusted signed. */
  async #image({ directory, digest, keys }: ImageSource, isVerified: boolean): Promise<Tree> {
    if (keys !== undefined) requireSigned({ directory, name: basename(directory), digest }, keys);
    const path = join(directory, versionFile(digest));
    const key = `${path} ${await stampOf(path)}`;
    const known = this.#images.get(key);
    if (known !== undefined) return known.tree;
    const { cache } = this.#options;
    const check = isVerified ? { identity: identityOf(digest) } : { digest };
    const opened = openErofs(path, { cache, ...check });
    this.#images.set(key, { path, tree: opened });
    opened.catch(() => this.#images.delete(key));
    return opened;
  }

  /** Handles with identities that never were must not read the directory each. */
  async #digests(directory: string): Promise<readonly string[]> {
    const now = this.#options.clock.now();
    const known = this.#listed.get(directory);
    if (known !== undefined && now - known.at < IMAGE_VERSIONS_AGE_MS) return known.digests;
    const digests = await digestsIn(directory);
    this.#listed.set(directory, { at: now, digests });
    return digests;
  }
}

function pathOf(source: TreeSource): string {
  return source.kind === "directory"
    ? source.path
    : join(source.directory, versionFile(source.digest));
}

/** Which directory it is, and where; empty where there is none, which opening it says better. */
async function placeOf(path: string): Promise<string> {
  try {
    const real = await realpath(path);
    const { dev, ino, birthtimeNs } = await lstat(real, { bigint: true });
    return `${real} ${dev} ${ino} ${birthtimeNs}`;
  } catch {
    return "";
  }
}

/** Differs when a file was replaced or written to; empty where there is none, which opening it says better. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  } catch {
    return "";
  }
}
