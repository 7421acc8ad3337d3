import { Chap } from "./chap.ts";
import { type Answers, type Pairs, parseList } from "./keys.ts";
import { initiatorError, type LoginFailure, unproven } from "./login-failure.ts";
import type { ChapSettings } from "./target.ts";

/** The security stage of a login: RFC 7143 §12.1. CHAP where the target demands it, and nothing else; None where not. */
export class Security {
  readonly #chap: Chap | undefined;
  #isAgreed = false;

  constructor(settings: ChapSettings | undefined, random: (bytes: number) => Uint8Array) {
    this.#chap = settings === undefined ? undefined : new Chap(settings, random);
  }

  /** Whether the login may leave the stage, or pass it over. */
  get isDone(): boolean {
    return this.#chap?.isProven ?? true;
  }

  /** `isLeaving`: the initiator has nothing more to say. */
  receive(pairs: Pairs, isLeaving: boolean): Answers | LoginFailure {
    const answers: Answers = new Map();
    const offer = pairs.get("AuthMethod");
    if (offer !== undefined) {
      const method = this.#chap === undefined ? "None" : "CHAP";
      if (this.#isAgreed) return initiatorError("AuthMethod twice");
      if (!parseList(offer).includes(method)) return unproven(`AuthMethod ${method} not offered`);
      this.#isAgreed = true;
      answers.set("AuthMethod", method);
    }
    const proofs = new Map([...pairs].filter(([key]) => key.startsWith("CHAP_")));
    if (this.#chap === undefined || !this.#isAgreed) {
      if (proofs.size > 0) return initiatorError("CHAP was not agreed on");
      return this.isDone || !isLeaving ? answers : unproven("login without CHAP");
    }
    const proven = this.#chap.receive(proofs);
    return proven === undefined ? unproven("CHAP failed") : new Map([...answers, ...proven]);
  }
}

export function isSecurityKey(key: string): boolean {
  return key === "AuthMethod" || key.startsWith("CHAP_");
}
