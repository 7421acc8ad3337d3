import { join } from "node:path";
import { DIFF_CACHE_BYTES } from "../../limits.ts";
import { systemClock } from "../../net/clock.ts";
import { BlockCache } from "../../tree/cache/cache.ts";
import { openDirectory } from "../../tree/directory.ts";
import { openErofs } from "../../tree/erofs.ts";
import type { ImageStore } from "../store/store.ts";
import { identityOf, versionFile } from "../store/versions.ts";
import type { Compared } from "./diff.ts";

/** A version of an image, by its digest, or a directory. @throws UserError where there is none. */
export async function openCompared(
  store: ImageStore,
  from: { readonly name: string; readonly digest: string } | { readonly directory: string },
): Promise<Compared & AsyncDisposable> {
  const cache = BlockCache.create(DIFF_CACHE_BYTES);
  if ("directory" in from)
    return await openDirectory(from.directory, { clock: systemClock, cache });
  const { name, digest } = from;
  const path = join(store.directoryOf(name), versionFile(digest));
  // Whether the bytes are those of the digest is for `verify` to say: it reads all of them.
  return await openErofs(path, { cache, identity: identityOf(digest) });
}
