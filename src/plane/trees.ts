import { lstat, realpath } from "node:fs/promises";
import { join } from "node:path";
import { after, type Instant } from "../bytes/instant.ts";
import { digestsIn, identityOf, versionFile } from "../image/store/versions.ts";
import { IMAGE_VERSIONS_AGE_MS, TREE_RETIRED_MS } from "../limits.ts";
import type { Alarm, Clock } from "../net/clock.ts";
import type { BlockCache } from "../tree/cache/cache.ts";
import { openDirectory } from "../tree/directory.ts";
import { openErofs } from "../tree/erofs.ts";
import type { Parents } from "../tree/parents.ts";
import type { Tree } from "../tree/tree.ts";

/** Where a tree comes from. */
export type TreeSource =
  | { readonly kind: "directory"; readonly path: string }
  /** One version of an image, among the others in `directory`. */
  | { readonly kind: "image"; readonly directory: string; readonly digest: string };

export interface TreesOptions {
  readonly clock: Clock;
  readonly cache: BlockCache;
  readonly parents: Parents;
  /** Another thread has read the images that `open` is asked for, and found their digests right. */
  readonly isVerified?: boolean;
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
  readonly #images = new Map<string, Promise<Tree>>();
  readonly #listed = new Map<
    string,
    { readonly at: Instant; readonly digests: readonly string[] }
  >();
  /** Whose directory was replaced: calls may still be about them for a time. */
  readonly #retired = new Map<Tree, Instant>();
  readonly #alarm: Alarm;

  constructor(options: TreesOptions) {
    this.#options = options;
    this.#alarm = options.clock.alarm(() => void this.#closeRetired());
  }

  open(source: TreeSource): Promise<Tree> {
    return source.kind === "directory"
      ? this.#directory(source.path)
      : this.#image(source.directory, source.digest, this.#options.isVerified ?? false);
  }

  /** The version of an image that a handle of an earlier mount names. */
  async version(directory: string, identity: bigint): Promise<Tree | undefined> {
    const digest = (await this.#digests(directory)).find((one) => identityOf(one) === identity);
    return digest === undefined ? undefined : this.#image(directory, digest, false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#alarm[Symbol.dispose]();
    const images = await Promise.allSettled(this.#images.values());
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

  #image(directory: string, digest: string, isVerified: boolean): Promise<Tree> {
    const path = join(directory, versionFile(digest));
    const known = this.#images.get(path);
    if (known !== undefined) return known;
    const { cache } = this.#options;
    const check = isVerified ? { identity: identityOf(digest) } : { digest };
    const opened = openErofs(path, { cache, ...check });
    this.#images.set(path, opened);
    opened.catch(() => this.#images.delete(path));
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
