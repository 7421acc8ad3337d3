import { describe, expect, test } from "vitest";
import { RecentPages } from "../../src/tree/recent-pages.ts";
import type { DirectoryPage, FileId } from "../../src/tree/tree.ts";

const directory = 7n as FileId;
const empty: DirectoryPage = { entries: [], end: true };

describe("pages that were read lately", () => {
  test("are found while they are good, by where they begin and how long they may be", () => {
    const pages = new RecentPages();
    pages.put(directory, { cookie: 5, entriesMax: 10, goodUntil: 1000, page: empty });
    expect(pages.get(directory, { cookie: 5, entriesMax: 10 }, 999)).toBe(empty);
    expect(pages.get(directory, { cookie: 5, entriesMax: 10 }, 1000)).toBeUndefined();
    expect(pages.get(directory, { cookie: 6, entriesMax: 10 }, 0)).toBeUndefined();
    expect(pages.get(directory, { cookie: 5, entriesMax: 11 }, 0)).toBeUndefined();
  });

  test("of one directory are a few, whatever cookies a client invents", () => {
    const pages = new RecentPages();
    for (let cookie = 0; cookie < 1000; cookie += 1) {
      pages.put(directory, { cookie, entriesMax: 10, goodUntil: 1000, page: empty });
    }
    const kept = Array.from({ length: 1000 }, (_, cookie) => cookie).filter(
      (cookie) => pages.get(directory, { cookie, entriesMax: 10 }, 0) !== undefined,
    );
    expect(kept).toEqual(Array.from({ length: 32 }, (_, at) => 968 + at));
  });

  test("of all directories are bounded, also where all are empty", () => {
    const pages = new RecentPages();
    for (let id = 1n; id <= 40_000n; id += 1n) {
      pages.put(id as FileId, { cookie: 0, entriesMax: 1, goodUntil: 1000, page: empty });
    }
    expect(pages.get(1n as FileId, { cookie: 0, entriesMax: 1 }, 0)).toBeUndefined();
    expect(pages.get(40_000n as FileId, { cookie: 0, entriesMax: 1 }, 0)).toBe(empty);
  });
});
