import type { Clock } from "../net/clock.ts";
import type { Disk, Moved } from "./disk.ts";
import { Listing, Listings, PARENT_COOKIE, SELF_COOKIE } from "./listing.ts";
import type { Locator } from "./locator.ts";
import type { Place } from "./places.ts";
import type { Answer, DirectoryEntry, DirectoryPage, FileId, TreeError } from "./tree.ts";

const EMPTY = new Listing([]);
/** A directory that moves so often while it is read is given up on. */
const ATTEMPTS_MAX = 4;

interface Request {
  readonly cookie: number;
  readonly entriesMax: number;
}

/** Reads directories page by page: at once where all of a page is known, else by asking for what is not. */
export class DirectoryReader {
  readonly #clock: Clock;
  readonly #disk: Disk;
  readonly #locator: Locator;
  readonly #listings = new Listings();

  constructor(clock: Clock, disk: Disk, locator: Locator) {
    this.#clock = clock;
    this.#disk = disk;
    this.#locator = locator;
  }

  read(id: FileId, request: Request): Answer<DirectoryPage> {
    const now = this.#clock.now();
    const directory = this.#locator.known(id, now);
    const listing = directory === undefined ? undefined : this.#known(directory, now);
    const page =
      directory === undefined || listing === undefined
        ? undefined
        : this.#page(directory, listing, request, now);
    return page ?? this.#ask(id, request);
  }

  async #ask(id: FileId, request: Request): Promise<DirectoryPage | TreeError> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const directory = await this.#locator.directory(id);
      if (typeof directory === "string") return directory;
      if (directory.parent !== undefined) await this.#locator.place(directory.parent.id);
      // What is good now is taken as good until the page is full, however slow the disk.
      const now = this.#clock.now();
      const listing = this.#known(directory, now) ?? (await this.#list(directory));
      if (listing === "moved") {
        directory.goodUntil = 0;
        continue;
      }
      if (typeof listing === "string") return listing;
      const unknown = this.#unknown(directory, listing, request, now);
      const looked = await this.#locator.look(directory, unknown);
      if (looked === "moved") continue;
      const problem = looked.find((found) => typeof found === "string");
      if (problem !== undefined) return problem;
      const page = this.#page(directory, listing, request, now);
      if (page !== undefined) return page;
    }
    return "io";
  }

  #known(directory: Place, now: number): Listing | undefined {
    if (directory.attributes.type !== "directory") return undefined;
    return directory.isMountPoint ? EMPTY : this.#listings.get(directory, now);
  }

  async #list(directory: Place): Promise<Listing | TreeError | Moved> {
    const { attributes } = directory;
    const time = { epochMs: this.#clock.epochMs(), now: this.#clock.now() };
    const names = await this.#disk.list(directory);
    if (typeof names === "string") return names;
    return this.#listings.put(directory, names, attributes, time);
  }

  #unknown(directory: Place, listing: Listing, request: Request, now: number): string[] {
    const at = listing.after(request.cookie);
    return listing.names
      .slice(at, at + request.entriesMax)
      .filter((name) => this.#locator.knownAt(directory, name, now) === undefined);
  }

  /** Undefined where something in it must be asked for first. */
  #page(
    directory: Place,
    listing: Listing,
    { cookie, entriesMax }: Request,
    now: number,
  ): DirectoryPage | undefined {
    const entries: DirectoryEntry[] = [];
    if (cookie < SELF_COOKIE) entries.push(entryOf(".", SELF_COOKIE, directory));
    if (cookie < PARENT_COOKIE && entries.length < entriesMax) {
      const parent = directory.parent ?? directory;
      if (now >= parent.goodUntil) return undefined;
      entries.push(entryOf("..", PARENT_COOKIE, parent));
    }
    let at = listing.after(cookie);
    for (; at < listing.names.length && entries.length < entriesMax; at += 1) {
      const name = listing.names[at] ?? "";
      const place = this.#locator.knownAt(directory, name, now);
      if (place === undefined) return undefined;
      if (place !== "absent") entries.push(entryOf(name, listing.cookies[at] ?? 0, place));
    }
    const isPastDots = cookie >= PARENT_COOKIE || entries.some(({ name }) => name === "..");
    return { entries, end: isPastDots && at === listing.names.length };
  }
}

function entryOf(name: string, cookie: number, place: Place): DirectoryEntry {
  return { name, cookie: BigInt(cookie), attributes: place.attributes };
}
