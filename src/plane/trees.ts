import { join } from "node:path";
import type { Instant } from "../bytes/instant.ts";
import { digestsIn, identityOf, versionFile } from "../image/versions.ts";
import { IMAGE_VERSIONS_AGE_MS } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
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

/** Opened trees of one thread: what stays over a reload stays open, and so do its handles. */
export class Trees implements AsyncDisposable {
  readonly #options: TreesOptions;
  readonly #directories = new Map<string, Tree>();
  readonly #images = new Map<string, Promise<Tree>>();
  readonly #listed = new Map<
    string,
    { readonly at: Instant; readonly digests: readonly string[] }
  >();
  /** Also those whose directory was replaced: calls may still be about them. An unused one costs nothing. */
  readonly #all = new AsyncDisposableStack();

  constructor(options: TreesOptions) {
    this.#options = options;
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

  [Symbol.asyncDispose](): Promise<void> {
    return this.#all.disposeAsync();
  }

  async #directory(path: string): Promise<Tree> {
    const tree = this.#all.use(await openDirectory(path, this.#options));
    const known = this.#directories.get(path);
    if (known?.identity === tree.identity) return known;
    this.#directories.set(path, tree);
    return tree;
  }

  #image(directory: string, digest: string, isVerified: boolean): Promise<Tree> {
    const path = join(directory, versionFile(digest));
    const known = this.#images.get(path);
    if (known !== undefined) return known;
    const { cache } = this.#options;
    const check = isVerified ? { identity: identityOf(digest) } : { digest };
    const opened = openErofs(path, { cache, ...check }).then((tree) => this.#all.use(tree));
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
