import { TREE_PAGES_ENTRIES_MAX } from "../limits.ts";
import type { DirectoryPage, FileId } from "./tree.ts";

interface RecentPage {
  readonly cookie: number;
  readonly entriesMax: number;
  readonly goodUntil: number;
  readonly page: DirectoryPage;
}

/** Pages of directories that were asked for lately: nodes that boot ask for the same, and get the same object. */
export class RecentPages {
  readonly #pages = new Map<FileId, RecentPage[]>();
  #entries = 0;

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
    this.#entries += recent.page.entries.length;
    if (this.#entries > TREE_PAGES_ENTRIES_MAX) {
      this.#pages.clear();
      this.#entries = recent.page.entries.length;
    }
    const { cookie, entriesMax } = recent;
    const others = (this.#pages.get(directory) ?? []).filter((other) => {
      const isIt = other.cookie === cookie && other.entriesMax === entriesMax;
      if (isIt) this.#entries -= other.page.entries.length;
      return !isIt;
    });
    this.#pages.set(directory, [...others, recent]);
  }
}
