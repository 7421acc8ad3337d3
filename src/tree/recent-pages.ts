import { TREE_PAGES_ENTRIES_MAX, TREE_PAGES_PER_DIRECTORY_MAX } from "../limits.ts";
import type { DirectoryPage, FileId } from "./tree.ts";

interface PageRequest {
  readonly cookie: number;
  readonly entriesMax: number;
}

interface RecentPage extends PageRequest {
  readonly goodUntil: number;
  readonly page: DirectoryPage;
}

/** An empty one takes room as well. */
function weightOf({ page }: RecentPage): number {
  return page.entries.length + 1;
}

/** Pages of directories that were asked for lately: nodes that boot ask for the same, and get the same object. */
export class RecentPages {
  readonly #pages = new Map<FileId, RecentPage[]>();
  #weight = 0;

  get(directory: FileId, request: PageRequest, now: number): DirectoryPage | undefined {
    const recent = this.#last(directory, request);
    return recent !== undefined && now < recent.goodUntil ? recent.page : undefined;
  }

  /** Answers the page that was there before, if it was the same: what was made of it then is good still. */
  put(directory: FileId, found: RecentPage): DirectoryPage {
    const last = this.#last(directory, found)?.page;
    const page = last !== undefined && isSamePage(last, found.page) ? last : found.page;
    this.#replace(directory, { ...found, page });
    return page;
  }

  #last(directory: FileId, { cookie, entriesMax }: PageRequest): RecentPage | undefined {
    return this.#pages
      .get(directory)
      ?.find((recent) => recent.cookie === cookie && recent.entriesMax === entriesMax);
  }

  #replace(directory: FileId, recent: RecentPage): void {
    const weight = weightOf(recent);
    if (this.#weight + weight > TREE_PAGES_ENTRIES_MAX) {
      this.#pages.clear();
      this.#weight = 0;
    }
    const { cookie, entriesMax } = recent;
    const before = this.#pages.get(directory) ?? [];
    const others = before
      .filter((other) => other.cookie !== cookie || other.entriesMax !== entriesMax)
      .slice(1 - TREE_PAGES_PER_DIRECTORY_MAX);
    this.#pages.set(directory, [...others, recent]);
    for (const page of before) this.#weight -= weightOf(page);
    for (const page of others) this.#weight += weightOf(page);
    this.#weight += weight;
  }
}

function isSamePage(a: DirectoryPage, b: DirectoryPage): boolean {
  return (
    a.end === b.end &&
    a.entries.length === b.entries.length &&
    a.entries.every((entry, at) => {
      const other = b.entries[at];
      return entry.attributes === other?.attributes && entry.name === other.name;
    })
  );
}
