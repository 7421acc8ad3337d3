import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hash53 } from "../../src/bytes/hash.ts";
import { Listing } from "../../src/tree/listing.ts";

const names = fc.uniqueArray(fc.string({ minLength: 1 }), { maxLength: 60 });

function allBy(listing: Listing, pageSize: number): string[] {
  const found: string[] = [];
  for (let cookie = 2; ; ) {
    const at = listing.after(cookie);
    const page = listing.names.slice(at, at + pageSize);
    if (page.length === 0) return found;
    found.push(...page);
    cookie = listing.cookies[at + page.length - 1] ?? 0;
  }
}

describe("a directory's listing", () => {
  test("pages of any size give every name once, in the same order whatever the disk's", () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 70 }), (all, pageSize) => {
        const found = allBy(new Listing(all), pageSize);
        expect([...found].sort()).toEqual([...all].sort());
        expect(allBy(new Listing([...all].reverse()), 7)).toEqual(found);
      }),
    );
  });

  test("a cookie goes on at the same place after names were added and removed", () => {
    fc.assert(
      fc.property(names, names, fc.nat(60), (before, added, at) => {
        const first = new Listing(before);
        const done = first.names.slice(0, at);
        const cookie = at === 0 ? 2 : (first.cookies[Math.min(at, before.length) - 1] ?? 2);
        const removed = new Set(before.filter((_, index) => index % 3 === 0));
        const after = new Set([...before.filter((name) => !removed.has(name)), ...added]);
        const second = new Listing([...after]);
        const rest = second.names.slice(second.after(cookie));
        const stayed = before.filter((name) => after.has(name));
        // Each that stayed comes once: before the cookie or after it.
        for (const name of stayed) expect(done.includes(name)).toBe(!rest.includes(name));
      }),
    );
  });

  test("cookies are hashes of the names, greater than those of `.` and `..`, below 2^53", () => {
    const listing = new Listing(["passwd", "shadow", "\xff"]);
    for (const [at, name] of listing.names.entries()) {
      expect(listing.cookies[at]).toBe(hash53(name));
      expect(Number.isSafeInteger(listing.cookies[at])).toBe(true);
    }
  });

  test("a hundred thousand names", () => {
    const many = Array.from({ length: 100_000 }, (_, at) => `name-${at}`);
    expect(new Set(allBy(new Listing(many), 1000)).size).toBe(100_000);
  });
});
