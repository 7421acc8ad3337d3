import { createHash, getHashes, timingSafeEqual } from "node:crypto";
import { CHAP_CHALLENGE_BYTES_MAX } from "../limits.ts";
import {
  type Answers,
  formatBinary,
  type Pairs,
  parseBinary,
  parseList,
  parseNumber,
} from "./keys.ts";
import type { ChapSettings } from "./target.ts";

/**
 * CHAP as the target has it: RFC 1994, with the keys of RFC 7143 §12.1.3.
 *
 *   initiator                      target
 *   CHAP_A=7,5               →
 *                            ←     CHAP_A=7 CHAP_I=1 CHAP_C=0x…
 *   CHAP_N=user CHAP_R=0x…   →                                      (CHAP_I, CHAP_C: prove yourself too)
 *                            ←     (CHAP_N=target CHAP_R=0x…)
 */

interface Algorithm {
  /** As IANA numbers PPP authentication algorithms, in CHAP_A. */
  readonly number: string;
  readonly hash: string;
  /** RFC 1994 §4.1: a challenge as long as the hash. */
  readonly bytes: number;
}

const algorithms: readonly Algorithm[] = [
  { number: "5", hash: "md5", bytes: 16 },
  { number: "6", hash: "sha1", bytes: 20 },
  { number: "7", hash: "sha256", bytes: 32 },
  { number: "8", hash: "sha3-256", bytes: 32 },
];

type State =
  | { readonly step: "algorithm" }
  | {
      readonly step: "response";
      readonly algorithm: Algorithm;
      readonly identifier: number;
      readonly challenge: Uint8Array;
    }
  | { readonly step: "proven" };

export class Chap {
  readonly #settings: ChapSettings;
  readonly #random: (bytes: number) => Uint8Array;
  #state: State = { step: "algorithm" };

  constructor(settings: ChapSettings, random: (bytes: number) => Uint8Array) {
    this.#settings = settings;
    this.#random = random;
  }

  get isProven(): boolean {
    return this.#state.step === "proven";
  }

  /** The answers to the CHAP keys of one request. Undefined: the login fails, and nobody learns what was wrong. */
  receive(pairs: Pairs): Answers | undefined {
    const state = this.#state;
    if (pairs.size === 0) return new Map();
    if (state.step === "algorithm") return this.#challenge(pairs);
    if (state.step === "proven" || !this.#isRight(state, pairs)) return undefined;
    this.#state = { step: "proven" };
    return this.#prove(state, pairs);
  }

  /** The initiator's first algorithm that we and this Node have: one that keeps to FIPS has no MD5. */
  #challenge(pairs: Pairs): Answers | undefined {
    const available = getHashes();
    const usable = algorithms.filter(({ hash }) => available.includes(hash));
    const chosen = parseList(pairs.get("CHAP_A") ?? "")
      .map((number) => usable.find((algorithm) => algorithm.number === number))
      .find((algorithm) => algorithm !== undefined);
    if (chosen === undefined || pairs.size > 1) return undefined;
    const [identifier = 0] = this.#random(1);
    const challenge = this.#random(chosen.bytes);
    this.#state = { step: "response", algorithm: chosen, identifier, challenge };
    return new Map([
      ["CHAP_A", chosen.number],
      ["CHAP_I", String(identifier)],
      ["CHAP_C", formatBinary(challenge)],
    ]);
  }

  #isRight(state: State & { step: "response" }, pairs: Pairs): boolean {
    const { algorithm, identifier, challenge } = state;
    const expected = responseTo(algorithm, identifier, this.#settings.secret, challenge);
    const given = parseBinary(pairs.get("CHAP_R") ?? "");
    const isNamed = pairs.get("CHAP_N") === this.#settings.user;
    return given !== undefined && isEqual(given, expected) && isNamed;
  }

  /** Only to an initiator that proved itself: nobody else may have challenges answered. */
  #prove(state: State & { step: "response" }, pairs: Pairs): Answers | undefined {
    const identifier = pairs.get("CHAP_I");
    const challenge = pairs.get("CHAP_C");
    if (identifier === undefined && challenge === undefined) return new Map();
    const { mutual } = this.#settings;
    const number = parseNumber(identifier ?? "");
    const bytes = parseBinary(challenge ?? "");
    if (mutual === undefined || number === undefined || bytes === undefined) return undefined;
    if (number > 255 || bytes.length > CHAP_CHALLENGE_BYTES_MAX) return undefined;
    // RFC 7143 §12.1.3: our own challenge, sent back to have us work out the response to it.
    if (isEqual(bytes, state.challenge)) return undefined;
    const response = responseTo(state.algorithm, number, mutual.secret, bytes);
    return new Map([
      ["CHAP_N", mutual.user],
      ["CHAP_R", formatBinary(response)],
    ]);
  }
}

/** RFC 1994 §4.1: the hash of identifier, secret and challenge, one after another. */
function responseTo(
  algorithm: Algorithm,
  identifier: number,
  secret: string,
  challenge: Uint8Array,
): Uint8Array {
  const hash = createHash(algorithm.hash);
  hash.update(Uint8Array.of(identifier)).update(secret, "utf8").update(challenge);
  return hash.digest();
}

/** Takes as long wherever they differ; how long they are is no secret. */
function isEqual(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && timingSafeEqual(left, right);
}
