import { type Malformed, malformed } from "../bytes/malformed.ts";
import { ISCSI_KEYS_MAX, ISCSI_RECEIVED_SEGMENT_BYTES_MAX } from "../limits.ts";
import { type Answers, NOT_UNDERSTOOD, type Pairs, REJECT } from "./keys.ts";
import {
  DEFAULT_PARAMETERS,
  type Draft,
  type Phase,
  rules,
  type SessionParameters,
} from "./rules.ts";

/**
 * What an initiator offers and declares, and how it is answered: RFC 7143 §6.2. We offer nothing ourselves, and declare what
 * we take. One for a login; one for each negotiation in the full feature phase after it.
 */
export class Negotiation {
  readonly #draft: Draft;
  readonly #seen = new Map<string, string>();
  #hasDeclared: boolean;

  constructor(agreed: SessionParameters | undefined) {
    this.#draft = { ...(agreed ?? DEFAULT_PARAMETERS) };
    this.#hasDeclared = agreed !== undefined;
  }

  /** As far as it is agreed on. */
  get parameters(): SessionParameters {
    const { firstBurstLength, maxBurstLength } = this.#draft;
    return { ...this.#draft, firstBurstLength: Math.min(firstBurstLength, maxBurstLength) };
  }

  /** The answers, in order. Malformed: the initiator broke a rule that no answer mends. */
  receive(offers: Pairs, phase: Phase): Answers | Malformed {
    const answers: Answers = new Map();
    for (const [key, offer] of offers) {
      const answer = this.#answer(key, offer, phase, offers);
      if (answer === undefined) continue;
      if (typeof answer !== "string") return answer;
      answers.set(key, answer);
    }
    if (phase === "operational" && !this.#hasDeclared) {
      this.#hasDeclared = true;
      this.#draft.maxRecvDataSegmentLength = ISCSI_RECEIVED_SEGMENT_BYTES_MAX;
      answers.set("MaxRecvDataSegmentLength", String(ISCSI_RECEIVED_SEGMENT_BYTES_MAX));
    }
    return answers;
  }

  #answer(key: string, offer: string, phase: Phase, offers: Pairs): string | Malformed | undefined {
    const rule = rules.get(key);
    const before = this.#seen.get(key);
    // libiscsi declares its name in the first request of each stage, always the same.
    if (before !== undefined && !(rule?.isDeclaration && before === offer)) {
      return malformed("text key negotiated twice");
    }
    if (this.#seen.size === ISCSI_KEYS_MAX) return malformed("too many text keys");
    this.#seen.set(key, offer);
    if (rule === undefined) return offer === NOT_UNDERSTOOD ? undefined : NOT_UNDERSTOOD;
    if (!rule.phases.includes(phase)) {
      // A login that mixes up its stages ends. In the full feature phase the session goes on as it was.
      return phase === "full-feature" ? REJECT : malformed("text key in the wrong stage");
    }
    return rule.answer(offer, this.#draft, offers);
  }
}
