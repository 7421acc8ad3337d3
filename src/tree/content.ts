import type { BigIntStats } from "node:fs";
import { hash53 } from "../bytes/hash.ts";
import { TREE_AGE_MS } from "../limits.ts";
import type { CachedFile } from "./cache/cache.ts";
import { type CacheKey, cacheKey } from "./cache/key.ts";
import type { Disk } from "./disk.ts";
import type { OpenFiles } from "./open-files.ts";
import type { Place } from "./places.ts";
import { attributesOf, generationOf, isSameTime } from "./stats.ts";
import type { Attributes, TreeError } from "./tree.ts";

/** Of one thread's tree: where its contents come from. */
export interface ContentSource {
  /** Whose ids these are. */
  readonly space: number;
  readonly disk: Disk;
  readonly files: OpenFiles;
}

/** What is in a file, as long as its attributes are these. */
export class Content implements CachedFile {
  readonly attributes: Attributes;
  readonly key: CacheKey;
  /**
   * Times on disk are coarse: of a file that changed just before its attributes were asked for, the same attributes can
   * belong to two contents. Such a one is not to be cached.
   */
  readonly isSettled: boolean;
  /** Something else was found on disk: ask for the attributes again. */
  isOutdated = false;
  readonly #place: Place;
  readonly #source: ContentSource;

  constructor(place: Place, source: ContentSource, askedAtEpochMs: number) {
    this.attributes = place.attributes;
    this.#place = place;
    this.#source = source;
    const { id, size, modified, changed, generation } = place.attributes;
    const times = [modified, changed].map((time) => `${time.seconds}.${time.nanoseconds}`);
    const version = hash53(`${size} ${times.join(" ")} ${generation}`);
    this.key = cacheKey(source.space, id, BigInt(version));
    this.isSettled = askedAtEpochMs - changed.seconds * 1000 > 2 * TREE_AGE_MS;
  }

  get size(): number {
    return this.attributes.size;
  }

  async fill(into: Uint8Array, offset: number): Promise<number | TreeError> {
    const { disk, files } = this.#source;
    const open = () => disk.open(this.#place);
    const { generation } = this.attributes;
    const isStill = (stats: BigIntStats) =>
      generationOf(stats) === generation && (!this.isSettled || this.#isSame(stats));
    const read = await files.read(this.attributes.id, { open, isStill }, into, offset);
    if (read !== "moved") return read;
    this.isOutdated = true;
    return "io";
  }

  #isSame(stats: BigIntStats): boolean {
    const { id, size, modified, changed } = this.attributes;
    const now = attributesOf(stats, id);
    return (
      now.size === size && isSameTime(now.modified, modified) && isSameTime(now.changed, changed)
    );
  }
}
