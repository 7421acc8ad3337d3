import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../src/bytes/malformed.ts";
import {
  formatBinary,
  parseBinary,
  parseBoolean,
  parseList,
  parseNumber,
  parseText,
  writeText,
} from "../../src/iscsi/keys.ts";
import { ISCSI_KEYS_MAX, ISCSI_TEXT_BYTES_MAX, ISCSI_VALUE_BYTES_MAX } from "../../src/limits.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const parsed = (text: string): unknown => {
  const pairs = parseText(bytes(text));
  return isMalformed(pairs) ? pairs.malformed : [...pairs];
};

describe("RFC 7143 §6.1 text format", () => {
  test("pairs end with a zero byte and keep their order", () => {
    expect(parsed("HeaderDigest=None\0DataDigest=CRC32C,None\0")).toEqual([
      ["HeaderDigest", "None"],
      ["DataDigest", "CRC32C,None"],
    ]);
  });

  test("an equals sign belongs to the value after the first; a value may be empty, a text too", () => {
    expect(parsed("CHAP_R=0bAAA=\0SendTargets=\0")).toEqual([
      ["CHAP_R", "0bAAA="],
      ["SendTargets", ""],
    ]);
    expect(parsed("")).toEqual([]);
  });

  test("padding with zeros, and a last pair without its zero, are put up with", () => {
    expect(parsed("\0A=1\0\0\0B=2")).toEqual([
      ["A", "1"],
      ["B", "2"],
    ]);
  });

  test("aliases are UTF-8; what is not is refused", () => {
    expect(parsed("InitiatorAlias=Büro 7 ✓\0")).toEqual([["InitiatorAlias", "Büro 7 ✓"]]);
    expect(parseText(Uint8Array.of(0x41, 0x3d, 0xff, 0))).toHaveProperty("malformed");
  });

  test.each([
    ["no equals sign", "InitiatorName\0"],
    ["no key", "=Yes\0"],
    ["key of 64 characters", `${"K".repeat(64)}=1\0`],
    ["space in the key", "Header Digest=None\0"],
    ["digit first", "1Header=None\0"],
    ["control character in the value", "InitiatorAlias=a\u001bb\0"],
    ["key twice", "InitialR2T=No\0InitialR2T=No\0"],
  ])("refused: %s", (_, text) => {
    expect(parseText(bytes(text))).toHaveProperty("malformed");
  });

  test("RFC 7143 §13.24: a key that begins with a small letter", () => {
    expect(parsed("iSCSIProtocolLevel=1\0")).toEqual([["iSCSIProtocolLevel", "1"]]);
  });

  test("bounded: bytes, pairs and values", () => {
    const many = (count: number): string =>
      Array.from({ length: count }, (_, at) => `X-k${at}=1\0`).join("");
    expect(isMalformed(parseText(bytes(many(ISCSI_KEYS_MAX))))).toBe(false);
    expect(parsed(many(ISCSI_KEYS_MAX + 1))).toBe("too many text keys");
    expect(parsed(`A=${"a".repeat(ISCSI_VALUE_BYTES_MAX + 1)}\0`)).toMatch(/value/);
    expect(parseText(new Uint8Array(ISCSI_TEXT_BYTES_MAX + 1))).toHaveProperty("malformed");
  });

  test("names of JavaScript's own are keys like others", () => {
    expect(parsed("constructor=1\0toString=2\0")).toEqual([
      ["constructor", "1"],
      ["toString", "2"],
    ]);
  });

  test("what is written is read again", () => {
    const key = fc.stringMatching(/^[A-Z][A-Za-z0-9.\-+@_]{0,62}$/);
    const value = fc.stringMatching(/^[A-Za-z0-9.\-+@_/[\]:,]{0,60}$/);
    const pairs = fc.uniqueArray(fc.tuple(key, value), {
      selector: ([name]) => name,
      maxLength: 20,
    });
    fc.assert(
      fc.property(pairs, (list) => {
        expect(parseText(writeText(list))).toEqual(new Map(list));
      }),
    );
  });

  test("any bytes: pairs or a refusal", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const pairs = parseText(data);
        if (!isMalformed(pairs)) expect(parseText(writeText(pairs))).toEqual(pairs);
      }),
    );
  });
});

describe("RFC 7143 §6.1 values", () => {
  test.each([
    ["0", 0],
    ["262144", 262_144],
    ["0x1f", 31],
    ["0XFF", 255],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["9007199254740992", undefined],
    ["0x1fffffffffffff", Number.MAX_SAFE_INTEGER],
    ["0xffffffffffffffff", undefined],
    ["007", undefined],
    ["-1", undefined],
    ["1.5", undefined],
    ["1e3", undefined],
    [" 1", undefined],
    ["", undefined],
    ["0x", undefined],
    ["Infinity", undefined],
  ])("number %j is %j", (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  test("booleans are Yes and No and nothing else", () => {
    expect(["Yes", "No", "yes", "1", ""].map(parseBoolean)).toEqual([
      true,
      false,
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("lists keep the order of preference", () => {
    expect(parseList("CRC32C,None")).toEqual(["CRC32C", "None"]);
  });

  test.each([
    ["0x0aFF", [0x0a, 0xff]],
    ["0Xaff", [0x0a, 0xff]],
    ["0bSGVsbG8=", [...bytes("Hello")]],
    ["0BSGVsbG8hIQ==", [...bytes("Hello!!")]],
    ["0bSGVsbG8", undefined],
    ["0bSGVsbG9=", undefined],
    ["0b", undefined],
    ["0x", undefined],
    ["0xgg", undefined],
    ["17", undefined],
    ["", undefined],
  ])("binary %j", (text, value) => {
    expect(parseBinary(text)).toEqual(value === undefined ? undefined : Uint8Array.from(value));
  });

  test("binary values are written in hexadecimal", () => {
    expect(formatBinary(Uint8Array.of(0, 0xab))).toBe("0x00ab");
  });
});
