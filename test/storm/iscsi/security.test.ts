import { describe, expect, test } from "vitest";
import { Chap } from "../../../src/storm/iscsi/security.ts";

const secret = "secret-of-node1";
const challenge = "0x000102030405060708090a0b0c0d0e0f";

/** Made with another program (Python's hashlib): the hash of 23, the secret and the challenge, RFC 1994 §4.1. */
const responses = [
  ["5", "0xce557f69bb4cb574920dc98c5b0243bf"],
  ["7", "0x54bb5b0100b2c350c92380f9f469b1f18d40d3f9e97102aa9b2d1498cc2a2e04"],
] as const;

function keys(pairs: Record<string, string>): Map<string, string> {
  return new Map(Object.entries(pairs));
}

describe("CHAP, the initiator's side", () => {
  test.each(responses)("algorithm %s: the response to a challenge", (algorithm, response) => {
    const chap = new Chap({ user: "node1", secret, mutual: undefined }, () => 0);
    const question = keys({ CHAP_A: algorithm, CHAP_I: "23", CHAP_C: challenge });
    expect(chap.respond(question)).toEqual([
      ["CHAP_N", "node1"],
      ["CHAP_R", response],
    ]);
  });

  test("a challenge in base64 is the same challenge", () => {
    const chap = new Chap({ user: "node1", secret, mutual: undefined }, () => 0);
    const base64 = "0bAAECAwQFBgcICQoLDA0ODw==";
    const question = keys({ CHAP_A: "5", CHAP_I: "0x17", CHAP_C: base64 });
    expect(chap.respond(question)?.[1]).toEqual(["CHAP_R", responses[0][1]]);
  });

  test.each([
    { CHAP_A: "6", CHAP_I: "23", CHAP_C: challenge },
    { CHAP_A: "5", CHAP_I: "256", CHAP_C: challenge },
    { CHAP_A: "5", CHAP_I: "23", CHAP_C: "0x0" },
    { CHAP_A: "5", CHAP_I: "23", CHAP_C: `0x${"00".repeat(1025)}` },
    { CHAP_A: "5", CHAP_C: challenge },
    {},
  ])("what is no challenge has no response: %j", (question) => {
    const chap = new Chap({ user: "node1", secret, mutual: undefined }, () => 0);
    expect(chap.respond(keys(question as Record<string, string>))).toBeUndefined();
  });

  test("a target proves itself with the other secret, for its own name", () => {
    // Zeros are what this one asks with: identifier and challenge.
    const mutual = { user: "sidus", secret: "secret-of-sidus" };
    const chap = new Chap({ user: "node1", secret, mutual }, () => 0);
    chap.respond(keys({ CHAP_A: "5", CHAP_I: "23", CHAP_C: challenge }));
    expect(
      chap.isProven(keys({ CHAP_N: "sidus", CHAP_R: "0x953303746139415507145b63a5edd4d1" })),
    ).toBe(true);
    expect(
      chap.isProven(keys({ CHAP_N: "other", CHAP_R: "0x953303746139415507145b63a5edd4d1" })),
    ).toBe(false);
    expect(chap.isProven(keys({ CHAP_N: "sidus", CHAP_R: responses[0][1] }))).toBe(false);
    expect(chap.isProven(keys({}))).toBe(false);
  });
});
