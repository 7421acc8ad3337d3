import { describe, expect, test } from "vitest";
import { Chap } from "../../src/iscsi/chap.ts";
import type { Pairs } from "../../src/iscsi/keys.ts";
import type { ChapSettings } from "../../src/iscsi/target.ts";
import { counting } from "./logins.ts";

const settings = {
  user: "sidus1",
  secret: "secret-of-sidus1",
  mutual: { user: "target", secret: "secret-of-target" },
};

/**
 * Worked out with Python's hashlib; the first with `openssl md5` too. Ours: 2ah, the secret, the challenge 00h 01h … as long
 * as the hash. Mutual: 07h, the target's secret, ffh feh ….
 */
const vectors = [
  {
    algorithm: "5",
    bytes: 16,
    response: "5ec8b7cd798b928901aa7ed794a50dcf",
    mutual: "dbbddc0682a52bb2bdbec6b47c059aba",
  },
  {
    algorithm: "6",
    bytes: 20,
    response: "cf34198b95c56271d65c0179cae97414c42e6057",
    mutual: "cc71383f3c81e9316d587b5cfe5be1a704de06f0",
  },
  {
    algorithm: "7",
    bytes: 32,
    response: "d1f580196bbf25f089f927d5fbb5f5bc8626a8e8c05c42c8a74a52cce4dbffd5",
    mutual: "71e1071b8b787dbf24aa34885fbcb8065b5b2e8e8a8d2c4069db65f57a42eb42",
  },
  {
    algorithm: "8",
    bytes: 32,
    response: "bd93f55d4218ff98e3cd992f44d31dd83982e773f535a40c4fbf04b5ec6eb79a",
    mutual: "676f5db219a8656d21c95bc1c325072e2ad8e4fb02011008808bc60536745644",
  },
];
const MD5 = "0x5ec8b7cd798b928901aa7ed794a50dcf";

const pairs = (keys: Readonly<Record<string, string>>): Pairs => new Map(Object.entries(keys));

/** Has asked its question, with MD5. */
function asking(own: ChapSettings = settings): Chap {
  const chap = new Chap(own, counting);
  chap.receive(pairs({ CHAP_A: "5" }));
  return chap;
}

describe("RFC 1994 CHAP", () => {
  test.each(vectors)(
    "algorithm $algorithm, both ways",
    ({ algorithm, bytes, response, mutual }) => {
      const chap = new Chap(settings, counting);
      expect(chap.receive(pairs({ CHAP_A: algorithm }))).toEqual(
        pairs({
          CHAP_A: algorithm,
          CHAP_I: "42",
          CHAP_C: `0x${counting(bytes).toHex()}`,
        }),
      );
      expect(chap.isProven).toBe(false);
      const own = Uint8Array.from({ length: bytes }, (_, at) => 255 - at);
      const answer = chap.receive(
        pairs({
          CHAP_N: "sidus1",
          CHAP_R: `0x${response}`,
          CHAP_I: "7",
          CHAP_C: `0x${own.toHex()}`,
        }),
      );
      expect(answer).toEqual(pairs({ CHAP_N: "target", CHAP_R: `0x${mutual}` }));
      expect(chap.isProven).toBe(true);
    },
  );

  test("RFC 7143 §12.1.3: the initiator's first algorithm that is known here", () => {
    const chap = new Chap(settings, counting);
    expect(chap.receive(pairs({ CHAP_A: "99,7,5" }))?.get("CHAP_A")).toBe("7");
  });

  test("one way: no proof of our own unless it is asked for", () => {
    const chap = asking();
    expect(chap.receive(pairs({ CHAP_N: "sidus1", CHAP_R: MD5 }))).toEqual(new Map());
    expect(chap.isProven).toBe(true);
  });

  test("a response in base64 is as good", () => {
    const chap = asking();
    const base64 = Uint8Array.fromHex(MD5.slice(2)).toBase64();
    expect(chap.receive(pairs({ CHAP_N: "sidus1", CHAP_R: `0b${base64}` }))).toEqual(new Map());
  });

  test("a request without keys of it changes nothing", () => {
    const chap = new Chap(settings, counting);
    expect(chap.receive(new Map())).toEqual(new Map());
    expect(chap.isProven).toBe(false);
  });

  test.each<[string, Readonly<Record<string, string>>]>([
    ["a wrong response", { CHAP_N: "sidus1", CHAP_R: MD5.replace("5", "6") }],
    ["a shorter response", { CHAP_N: "sidus1", CHAP_R: MD5.slice(0, -2) }],
    ["no response", { CHAP_N: "sidus1" }],
    ["a response that is no binary value", { CHAP_N: "sidus1", CHAP_R: "secret" }],
    ["another's name", { CHAP_N: "sidus2", CHAP_R: MD5 }],
    ["no name", { CHAP_R: MD5 }],
    ["the algorithm again", { CHAP_A: "5" }],
    [
      "our own challenge sent back (RFC 7143 §12.1.3)",
      { CHAP_N: "sidus1", CHAP_R: MD5, CHAP_I: "42", CHAP_C: `0x${counting(16).toHex()}` },
    ],
    ["a challenge without identifier", { CHAP_N: "sidus1", CHAP_R: MD5, CHAP_C: "0x01" }],
    ["an identifier without challenge", { CHAP_N: "sidus1", CHAP_R: MD5, CHAP_I: "1" }],
    [
      "an identifier of two bytes",
      { CHAP_N: "sidus1", CHAP_R: MD5, CHAP_I: "256", CHAP_C: "0x01" },
    ],
    [
      "a challenge of more than 1024 bytes",
      { CHAP_N: "sidus1", CHAP_R: MD5, CHAP_I: "1", CHAP_C: `0x${"ab".repeat(1025)}` },
    ],
  ])("fails: %s", (_, keys) => {
    expect(asking().receive(pairs(keys))).toBeUndefined();
  });

  test("fails: a proof is wanted of a target that has no secret for it", () => {
    const chap = asking({ ...settings, mutual: undefined });
    const keys = { CHAP_N: "sidus1", CHAP_R: MD5, CHAP_I: "1", CHAP_C: "0x0102" };
    expect(chap.receive(pairs(keys))).toBeUndefined();
  });

  test.each(["", "99", "MD5", "0x5", "5;7"])("fails: algorithms %j", (offer) => {
    expect(new Chap(settings, counting).receive(pairs({ CHAP_A: offer }))).toBeUndefined();
  });

  test("fails: a response before the challenge, or together with the algorithm", () => {
    const early = pairs({ CHAP_N: "sidus1", CHAP_R: MD5 });
    expect(new Chap(settings, counting).receive(early)).toBeUndefined();
    const both = pairs({ CHAP_A: "5", CHAP_N: "sidus1", CHAP_R: MD5 });
    expect(new Chap(settings, counting).receive(both)).toBeUndefined();
  });

  test("fails: more keys after the proof", () => {
    const chap = asking();
    chap.receive(pairs({ CHAP_N: "sidus1", CHAP_R: MD5 }));
    expect(chap.receive(pairs({ CHAP_N: "sidus1", CHAP_R: MD5 }))).toBeUndefined();
  });
});
