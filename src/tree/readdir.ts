import { TREE_LISTED_AT_ONCE_BYTES } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import type { Disk, Moved } from "./disk.ts";
import { type KnownListing, Listing, Listings, PARENT_COOKIE, SELF_COOKIE } from "./listing.ts";
import type { Locator } from "./locator.ts";
import type { Place } from "./places.ts";
import { RecentPages } from "./recent-pages.ts";
import type { Answer, DirectoryEntry, DirectoryPage, FileId, TreeError } from "./tree.ts";

/** Of what something else is mounted on. */
const EMPTY: KnownListing = { listing: new Listing([]), goodUntil: Number.POSITIVE_INFINITY };
/** A directory that moves so often while it is read is given up on. */
const ATTEMPTS_MAX = 4;

interface Request {
  readonly cookie: number;
  readonly entriesMax: number;
}

export interface DirectoryReaderOptions {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly locator: Locator;
  /** A directory's size says how much there is to list. */
  readonly tellsSizes: boolean;
}

/** Reads directories page by page: at once where all of a page is known, else by asking for what is not. */
export class DirectoryReader {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #locator: Locator;
  readonly #tellsSizes: boolean;
  readonly #listings = new Listings();
  readonly #recent = new RecentPages();

  constructor({ clock, disk, locator, tellsSizes }: DirectoryReaderOptions) {
    this.#clock = clock;
    this.#disk = disk;
    this.#locator = locator;
    this.#tellsSizes = tellsSizes;
  }

  read(id: FileId, request: Request): Answer<DirectoryPage> {
    const now = this.#clock.now();
    return (
      this.#recent.get(id, request, now) ??
      this.#knownPage(id, request, now) ??
      this.#ask(id, request)
    );
  }

  #knownPage(id: FileId, request: Request, now: number): DirectoryPage | undefined {
    const directory = this.#locator.known(id, now);
    if (directory === undefined) return undefined;
    const known = this.#known(directory, now) ?? this.#listNow(directory, now);
    if (known === undefined) return undefined;
    // It may be in the page.
    if (directory.parent !== undefined) this.#locator.known(directory.parent.id, now);
    const unknown = this.#unknown(directory, known.listing, request, now);
    if (unknown.length > 0 && !this.#locator.glance(directory, unknown, now)) return undefined;
    return this.#page(directory, known, request, now);
  }

  async #ask(id: FileId, request: Request): Promise<DirectoryPage | TreeError> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const directory = await this.#locator.directory(id);
      if (typeof directory === "string") return directory;
      // What is good now is taken as good until the page is full, however slow the disk.
      const now = this.#clock.now();
      if (directory.parent !== undefined) await this.#locator.place(directory.parent.id);
      const known = this.#known(directory, now) ?? (await this.#list(directory));
      if (known === "moved") {
        this.#locator.distrust(directory);
        continue;
      }
      if (typeof known === "string") return known;
      const unknown = this.#unknown(directory, known.listing, request, now);
      const looked = await this.#locator.look(directory, unknown);
      if (looked === "moved") continue;
      const problem = looked.find((found) => typeof found === "string");
      if (problem !== undefined) return problem;
      const page = this.#page(directory, known, request, now);
      if (page !== undefined) return page;
      // Names went meanwhile: it is listed again.
      directory.goodUntil = 0;
    }
    return "io";
  }

  #known(directory: Place, now: number): KnownListing | undefined {
    if (directory.attributes.type !== "directory") return undefined;
    return directory.isMountPoint ? EMPTY : this.#listings.get(directory, now);
  }

  #listNow(directory: Place, now: number): KnownListing | undefined {
    const { attributes } = directory;
    const isSmall = this.#tellsSizes && attributes.size <= TREE_LISTED_AT_ONCE_BYTES;
    if (attributes.type !== "directory" || !isSmall) return undefined;
    const time = { epochMs: this.#clock.epochMs(), now };
    const names = this.#locator.askOf(directory, now, () => this.#disk.listNow(directory));
    if (names === undefined || typeof names === "string") return undefined;
    return this.#listings.put(directory, names, attributes, time);
  }

  async #list(directory: Place): Promise<KnownListing | TreeError | Moved> {
    const { attributes } = directory;
    const time = { epochMs: this.#clock.epochMs(), now: this.#clock.now() };
    const names = await this.#disk.list(directory);
    if (typeof names === "string") return names;
    return this.#listings.put(directory, names, attributes, time);
  }

  #unknown(directory: Place, listing: Listing, request: Request, now: number): string[] {
    const unknown: string[] = [];
    let entries = 0;
    for (let at = listing.after(request.cookie); at < listing.names.length; at += 1) {
      if (entries === request.entriesMax) break;
      const name = listing.names[at] ?? "";
      const known = this.#locator.rememberedAt(directory, name, now);
      if (known === undefined) unknown.push(name);
      // One that is gone leaves room for the next.
      if (known !== "absent") entries += 1;
    }
    return unknown;
  }

  /** Undefined where something in it must be asked for first. */
  #page(
    directory: Place,
    { listing, goodUntil }: KnownListing,
    request: Request,
    now: number,
  ): DirectoryPage | undefined {
    const { cookie, entriesMax } = request;
    const places: Place[] = [directory];
    const entries: DirectoryEntry[] = [];
    if (cookie < SELF_COOKIE) entries.push(entryOf(".", SELF_COOKIE, directory));
    if (cookie < PARENT_COOKIE && entries.length < entriesMax) {
      const parent = directory.parent ?? directory;
      if (now >= parent.goodUntil) return undefined;
      places.push(parent);
      entries.push(entryOf("..", PARENT_COOKIE, parent));
    }
    let at = listing.after(cookie);
    for (; at < listing.names.length && entries.length < entriesMax; at += 1) {
      const name = listing.names[at] ?? "";
      const place = this.#locator.rememberedAt(directory, name, now);
      if (place === undefined) return undefined;
      if (place === "absent") continue;
      places.push(place);
      entries.push(entryOf(name, listing.cookies[at] ?? 0, place));
    }
    const isPastDots = cookie >= PARENT_COOKIE || entries.some(({ name }) => name === "..");
    const page = { entries, end: isPastDots && at === listing.names.length };
    // A name that comes or goes changes the directory, which is one of these.
    const pageGoodUntil = places.reduce(
      (until, place) => Math.min(until, place.goodUntil),
      goodUntil,
    );
    return this.#recent.put(directory.id, { ...request, goodUntil: pageGoodUntil, page });
  }
}

function entryOf(name: string, cookie: number, place: Place): DirectoryEntry {
  return { name, cookie: BigInt(cookie), attributes: place.attributes };
}
