import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { parseMac } from "../../src/bytes/mac.ts";
import { type Pattern, parseAddressPattern, parsePattern } from "../../src/config/patterns.ts";

const name = (text: string) => (/^[a-z0-9-]{1,8}$/.test(text) ? text : undefined);

function expanded<T>(pattern: Pattern<T> | undefined): readonly T[] | undefined {
  if (pattern === undefined) return undefined;
  return Array.from({ length: pattern.count }, (_, index) => pattern.at(index));
}

describe("patterns", () => {
  test.each<[string, readonly string[]]>([
    ["n1", ["n1"]],
    ["n[1-3]", ["n1", "n2", "n3"]],
    ["n[9-11]", ["n9", "n10", "n11"]],
    ["n[09-11]", ["n09", "n10", "n11"]],
    ["n[1-2,7,4-5]-b", ["n1-b", "n2-b", "n7-b", "n4-b", "n5-b"]],
    ["[008-010]", ["008", "009", "010"]],
    ["n[5]", ["n5"]],
  ])("%s", (text, values) => {
    expect(expanded(parsePattern(text, name))).toEqual(values);
  });

  test("of MAC addresses count in hexadecimal", () => {
    const pattern = parsePattern("52:54:00:77:00:[09-0B]", parseMac, 16);
    expect(expanded(pattern)).toEqual(["525400770009", "52540077000a", "52540077000b"]);
  });

  test.each(["10.13.20.[9-11]", "10.13.20.9-10.13.20.11"])("of addresses: %s", (text) => {
    const found = expanded(parseAddressPattern(text));
    expect(found?.map(formatIpv4)).toEqual(["10.13.20.9", "10.13.20.10", "10.13.20.11"]);
  });

  test.each([
    "n[3-1]",
    "n[1-]",
    "n[-1]",
    "n[]",
    "n[1,,2]",
    "n[1-2-3]",
    "n[a-b]",
    "n[1-2][1-2]",
    "n[[1-2]]",
    "n]1-2[",
    "n[1-1000000000]",
    "nnnnnnn[9-10]",
    "n_[1-2]",
  ])("%s is none", (text) => {
    expect(parsePattern(text, name)).toBeUndefined();
  });

  test("a range of addresses ends where its network's byte does", () => {
    expect(parseAddressPattern("10.13.20.[250-256]")).toBeUndefined();
    expect(parseAddressPattern("10.13.20.[250-255]")?.count).toBe(6);
  });

  test("a huge one takes no time and no memory until it is asked for", () => {
    const pattern = parsePattern("n[1-9999999]", name);
    expect(pattern?.count).toBe(9_999_999);
    expect(pattern?.at(9_999_998)).toBe("n9999999");
  });

  test("whatever is written, it is none, or all that it counts are values", () => {
    const part = fc.constantFrom("n", "[", "]", "-", ",", "0", "1", "9", "a", "f", ".", "10.0.0.");
    const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(text, fc.constantFrom<10 | 16>(10, 16), (written, radix) => {
        for (const pattern of [
          parsePattern(written, name, radix),
          parseAddressPattern(written),
          parsePattern(written, parseIpv4, radix),
        ]) {
          if (pattern === undefined) continue;
          expect(pattern.count).toBeGreaterThan(0);
          for (const index of [0, Math.floor(pattern.count / 2), pattern.count - 1]) {
            expect(pattern.at(index)).toBeDefined();
          }
          expect(() => pattern.at(pattern.count)).not.toThrow(TypeError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
