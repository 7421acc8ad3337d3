import { hash53 } from "../bytes/hash.ts";
import { TREE_AGE_MS, TREE_LISTED_NAMES_MAX } from "../limits.ts";
import type { Place } from "./places.ts";
import { isSameTime } from "./stats.ts";
import type { Attributes, Timestamp } from "./tree.ts";

/** Cookies of `.` and `..`, which come first. */
export const SELF_COOKIE = 1;
export const PARENT_COOKIE = 2;

/**
 * A directory's names in the order of their cookies. A cookie is a hash of the name, so that it means the same after
 * names were added or removed and after a restart: who goes on after it misses nothing that stayed, and gets nothing
 * twice. (Two names with the same 53 bits: the second has the next cookie, as long as both are there.)
 */
export class Listing {
  readonly names: readonly string[];
  readonly cookies: Float64Array;

  constructor(names: readonly string[]) {
    const sorted = names
      .map((name) => ({ name, cookie: Math.max(hash53(name), PARENT_COOKIE + 1) }))
      .sort((a, b) => a.cookie - b.cookie || (a.name < b.name ? -1 : 1));
    this.names = sorted.map(({ name }) => name);
    this.cookies = new Float64Array(sorted.length);
    let last = PARENT_COOKIE;
    for (const [at, { cookie }] of sorted.entries()) {
      last = Math.max(cookie, last + 1);
      this.cookies[at] = last;
    }
  }

  /** The index of the first name whose cookie is greater. */
  after(cookie: number): number {
    let low = 0;
    let high = this.cookies.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.cookies[middle] ?? 0) > cookie) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** A listing, and until when it is believed, if the directory stays as it is. */
export interface KnownListing {
  readonly listing: Listing;
  /** When the directory had changed just before it was read, its time may be the same after the next change. */
  readonly goodUntil: number;
}

interface Kept extends KnownListing {
  readonly modified: Timestamp;
  readonly changed: Timestamp;
}

/** Listings by directory, those not used for longest forgotten first. */
export class Listings {
  readonly #kept = new Map<Place, Kept>();
  #names = 0;

  get(directory: Place, now: number): KnownListing | undefined {
    const kept = this.#kept.get(directory);
    if (kept === undefined) return undefined;
    const { modified, changed } = directory.attributes;
    const isUnchanged = isSameTime(kept.modified, modified) && isSameTime(kept.changed, changed);
    if (!isUnchanged || now >= kept.goodUntil) return undefined;
    this.#kept.delete(directory);
    this.#kept.set(directory, kept);
    return kept;
  }

  /** `attributes` are from before the names were read; `epochMs` and `now` are one moment, before that as well. */
  put(
    directory: Place,
    names: readonly string[],
    attributes: Attributes,
    time: { readonly epochMs: number; readonly now: number },
  ): KnownListing {
    this.#remove(directory);
    const { modified, changed } = attributes;
    const listing = new Listing(names);
    const isSettled = time.epochMs - changed.seconds * 1000 > 2 * TREE_AGE_MS;
    const goodUntil = isSettled ? Number.POSITIVE_INFINITY : time.now + TREE_AGE_MS;
    const kept = { listing, modified, changed, goodUntil };
    this.#kept.set(directory, kept);
    this.#names += names.length;
    for (const oldest of this.#kept.keys()) {
      if (this.#names <= TREE_LISTED_NAMES_MAX || oldest === directory) break;
      this.#remove(oldest);
    }
    return kept;
  }

  #remove(directory: Place): void {
    this.#names -= this.#kept.get(directory)?.listing.names.length ?? 0;
    this.#kept.delete(directory);
  }
}
