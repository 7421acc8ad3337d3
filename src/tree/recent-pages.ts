import { TREE_PAGES_ENTRIES_MAX, TREE_PAGES_PER_DIRECTORY_MAX } from "../limits.ts";
import type { DirectoryPage, FileId } from "./tree.ts";

interface RecentPage {
  readonly cookie: number;
  readonly entriesMax: number;
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

  get(
    directory: FileId,
    { cookie, entriesMax }: Pick<RecentPage, "cookie" | "entriesMax">,
    now: number,
  ): DirectoryPage | undefined {
    const pages = this.#pages.get(directory);
    if (pages === undefined) return undefined;
    for (const recent of pages) {
      const isIt = recent.cookie === cookie && recent.entriesMax === entriesMax;
      if (isIt && now < recent.goodUntil) return recent.page;
    }
    return undefined;
  }

  put(directory: FileId, recent: RecentPage): void {
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
