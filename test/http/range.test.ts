import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseRange } from "../../src/http/range.ts";

describe("RFC 9110 §14.1.2: byte ranges", () => {
  test.each([
    ["bytes=0-499", { first: 0, last: 499 }],
    ["bytes=500-999", { first: 500, last: 999 }],
    ["bytes=-500", { first: 9500, last: 9999 }],
    ["bytes=9500-", { first: 9500, last: 9999 }],
    ["bytes=0-0", { first: 0, last: 0 }],
    ["bytes=-1", { first: 9999, last: 9999 }],
    ["bytes=9999-", { first: 9999, last: 9999 }],
    ["bytes=0-99999999999999999999999", { first: 0, last: 9999 }],
    ["bytes=-20000", { first: 0, last: 9999 }],
    ["Bytes= 5-6 ", { first: 5, last: 6 }],
  ])("%s of 10,000 bytes is %j", (header, range) => {
    expect(parseRange(header, 10_000)).toEqual(range);
  });

  test.each([
    undefined,
    "",
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=9-5",
    "bytes=a-b",
    "bytes=1.5-3",
    "bytes=0x0-3",
    "bytes=--5",
    "bytes=0-1,4-5",
    "lines=0-5",
    "bytes 0-5",
  ])("%j asks for nothing that we know: the whole", (header) => {
    expect(parseRange(header, 10_000)).toBe("whole");
  });

  test.each([
    ["bytes=10000-", 10_000],
    ["bytes=10000-10001", 10_000],
    ["bytes=99999999999999999999999-", 10_000],
    ["bytes=-0", 10_000],
    ["bytes=0-", 0],
    ["bytes=0-0", 0],
  ])("%s of %i bytes cannot be satisfied", (header, size) => {
    expect(parseRange(header, size)).toBe("unsatisfiable");
  });

  test("the last bytes of an empty file are the whole of it", () => {
    expect(parseRange("bytes=-5", 0)).toBe("whole");
  });

  test("whatever the header, a range lies within the file", () => {
    const piece = fc.constantFrom("bytes=", "-", ",", "0", "7", "99", " ", "x");
    const header = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(header, fc.nat(120), (text, size) => {
        const range = parseRange(text, size);
        if (typeof range === "string") return;
        expect(range.first).toBeGreaterThanOrEqual(0);
        expect(range.last).toBeGreaterThanOrEqual(range.first);
        expect(range.last).toBeLessThan(size);
      }),
      { numRuns: 2000 },
    );
  });
});
