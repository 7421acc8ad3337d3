import { createHash } from "node:crypto";
import { type Keys, readBinary, readNumber, writeBinary } from "./text.ts";

/** What both sides know: RFC 7143 §12.1.3. */
export interface Credentials {
  readonly user: string;
  readonly secret: string;
}

export interface ChapCredentials extends Credentials {
  /** What the target is to prove; undefined: nothing. */
  readonly mutual: Credentials | undefined;
}

/** As IANA numbers the algorithms of PPP authentication, the better one first. */
const algorithms = new Map([
  ["7", "sha256"],
  ["5", "md5"],
]);

const CHALLENGE_BYTES_MAX = 1024;
const OWN_CHALLENGE_BYTES = 16;

/** What is said next; undefined: the target said something else than CHAP has here. */
export type ChapAnswer = readonly (readonly [key: string, value: string])[] | undefined;

/** The initiator's side of CHAP: RFC 1994, RFC 7143 §12.1.3. */
export class Chap {
  readonly #credentials: ChapCredentials;
  readonly #random: () => number;
  #hash = "";
  #identifier = 0;
  #challenge: Uint8Array = new Uint8Array(0);

  constructor(credentials: ChapCredentials, random: () => number) {
    this.#credentials = credentials;
    this.#random = random;
  }

  offer(): ChapAnswer {
    return [["CHAP_A", [...algorithms.keys()].join(",")]];
  }

  /** To its challenge. */
  respond(keys: Keys): ChapAnswer {
    const { user, secret, mutual } = this.#credentials;
    const hash = algorithms.get(keys.get("CHAP_A") ?? "");
    const identifier = readNumber(keys.get("CHAP_I"));
    const challenge = readBinary(keys.get("CHAP_C") ?? "");
    if (hash === undefined || identifier === undefined || identifier > 255) return undefined;
    if (challenge === undefined || challenge.length > CHALLENGE_BYTES_MAX) return undefined;
    this.#hash = hash;
    const response = writeBinary(responseTo(hash, identifier, secret, challenge));
    const answer = [["CHAP_N", user] as const, ["CHAP_R", response] as const];
    if (mutual === undefined) return answer;
    this.#identifier = this.#byte();
    this.#challenge = Uint8Array.from({ length: OWN_CHALLENGE_BYTES }, () => this.#byte());
    const question = writeBinary(this.#challenge);
    return [...answer, ["CHAP_I", String(this.#identifier)], ["CHAP_C", question]];
  }

  /** Whether the target is who it should be. */
  isProven(keys: Keys): boolean {
    const { mutual } = this.#credentials;
    if (mutual === undefined) return true;
    const right = responseTo(this.#hash, this.#identifier, mutual.secret, this.#challenge);
    const said = readBinary(keys.get("CHAP_R") ?? "");
    return keys.get("CHAP_N") === mutual.user && said !== undefined && right.equals(said);
  }

  #byte(): number {
    return Math.floor(this.#random() * 256);
  }
}

/** RFC 1994 §4.1: the hash of identifier, secret and challenge, one after another. */
function responseTo(
  hash: string,
  identifier: number,
  secret: string,
  challenge: Uint8Array,
): Buffer {
  return createHash(hash)
    .update(Uint8Array.of(identifier))
    .update(secret, "utf8")
    .update(challenge)
    .digest();
}
