import { formatIpv4 } from "../bytes/ipv4.ts";
import { isMalformed } from "../bytes/malformed.ts";
import { ISCSI_TEXT_BYTES_MAX } from "../limits.ts";
import type { Endpoint } from "../net/endpoint.ts";
import { type Pairs, parseText, REJECT, writeText } from "./keys.ts";
import { Negotiation } from "./negotiation.ts";
import { NO_TAG, type TargetNumbers } from "./pdus/header.ts";
import { RejectReason } from "./pdus/notice.ts";
import type { TextRequest, TextResponse } from "./pdus/text.ts";
import type { SessionParameters } from "./rules.ts";
import type { Initiator, Targets } from "./target.ts";

export interface TextOptions {
  readonly targets: Targets;
  readonly initiator: Initiator;
  /** Where the initiator reaches the targets: where it reached us. */
  readonly portal: Endpoint;
  /** Of the session; undefined in a discovery session. */
  readonly targetName: string | undefined;
  /** What the login came to. */
  readonly parameters: SessionParameters;
}

export type TextAnswer = Omit<TextResponse, "opcode" | keyof TargetNumbers>;

/** A text to answer with, or why the request is rejected: then the negotiation is over, and the session goes on. */
export type TextStep = { readonly response: TextAnswer } | { readonly reject: RejectReason };

type Records = Iterator<Uint8Array, undefined>;

/** One exchange of texts: it begins with a request without a target transfer tag, and ends with a final response. */
interface Exchange {
  readonly negotiation: Negotiation;
  readonly initiatorTaskTag: number;
  readonly tag: number;
  /** Parts of a request's text. */
  text: Uint8Array;
  /** What is still to be sent of an answer, and the first of it. */
  rest: { readonly records: Records; readonly next: Uint8Array } | undefined;
}

/**
 * Texts in the full feature phase of one connection: RFC 7143 §11.10, SendTargets of appendix C among them. Requests go
 * in, one after the other was answered.
 */
export class Texts {
  readonly #options: TextOptions;
  #parameters: SessionParameters;
  #exchange: Exchange | undefined;
  #lastTag = 0;

  constructor(options: TextOptions) {
    this.#options = options;
    this.#parameters = options.parameters;
  }

  /** As they are now: an initiator may declare another MaxRecvDataSegmentLength at any time. */
  get parameters(): SessionParameters {
    return this.#parameters;
  }

  receive(request: TextRequest): TextStep | Promise<TextStep> {
    const exchange = this.#exchangeOf(request);
    if (exchange === undefined || (request.final && request.continues)) return this.#reject();
    if (exchange.rest !== undefined) {
      return request.data.length > 0 ? this.#reject() : this.#answer(request, exchange);
    }
    if (exchange.text.length + request.data.length > ISCSI_TEXT_BYTES_MAX) return this.#reject();
    exchange.text = joined(exchange.text, request.data);
    if (request.continues) return { response: answer(request, exchange, new Uint8Array(0)) };
    const pairs = parseText(exchange.text);
    exchange.text = new Uint8Array(0);
    return isMalformed(pairs) ? this.#reject() : this.#negotiate(request, exchange, pairs);
  }

  /** RFC 7143 §11.10.4: without a tag it begins anew, whatever was under way. */
  #exchangeOf(request: TextRequest): Exchange | undefined {
    const { initiatorTaskTag, targetTransferTag } = request;
    if (targetTransferTag !== NO_TAG) {
      const exchange = this.#exchange;
      const isIts =
        exchange?.tag === targetTransferTag && exchange.initiatorTaskTag === initiatorTaskTag;
      return isIts ? exchange : undefined;
    }
    this.#lastTag = (this.#lastTag + 1) % NO_TAG;
    this.#exchange = {
      negotiation: new Negotiation(this.#parameters),
      initiatorTaskTag,
      tag: this.#lastTag,
      text: new Uint8Array(0),
      rest: undefined,
    };
    return this.#exchange;
  }

  #reject(): TextStep {
    this.#exchange = undefined;
    return { reject: RejectReason.PROTOCOL_ERROR };
  }

  #negotiate(request: TextRequest, exchange: Exchange, pairs: Pairs): TextStep | Promise<TextStep> {
    const others = new Map(pairs);
    others.delete("SendTargets");
    const answers = exchange.negotiation.receive(others, "full-feature");
    if (isMalformed(answers)) return this.#reject();
    const wanted = pairs.get("SendTargets");
    const proceed = (names: readonly string[] | undefined): TextStep => {
      if (names === undefined) answers.set("SendTargets", REJECT);
      const records = this.#records([...answers], names ?? []);
      exchange.rest = restOf(records);
      return this.#answer(request, exchange);
    };
    const names = wanted === undefined ? [] : this.#names(wanted);
    return names instanceof Promise ? names.then(proceed) : proceed(names);
  }

  /**
   * RFC 7143 appendix C. `All`, or one of them, is for discovery sessions; nothing, or its own name, for a session with a
   * target. Undefined: not for this one.
   */
  #names(wanted: string): readonly string[] | undefined | Promise<readonly string[] | undefined> {
    const { targets, initiator, targetName } = this.#options;
    if (targetName !== undefined) {
      return wanted === "" || wanted === targetName ? [targetName] : undefined;
    }
    if (wanted === "") return undefined;
    const chosen = (names: readonly string[]): readonly string[] =>
      wanted === "All" ? names : names.filter((name) => name === wanted);
    const names = targets.list(initiator);
    return names instanceof Promise ? names.then(chosen) : chosen(names);
  }

  /** Made as they are sent: each fits the shortest segment that an initiator may ask for, 512 bytes. */
  *#records(answers: readonly [string, string][], names: readonly string[]): Records {
    for (const pair of answers) yield writeText([pair]);
    const { portal } = this.#options;
    const address = `${formatIpv4(portal.address)}:${portal.port},1`;
    for (const name of names) {
      yield writeText([
        ["TargetName", name],
        ["TargetAddress", address],
      ]);
    }
  }

  /** As much as one segment takes. */
  #answer(request: TextRequest, exchange: Exchange): TextStep {
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for (let rest = exchange.rest; rest !== undefined; rest = exchange.rest) {
      if (bytes + rest.next.length > this.#parameters.peerMaxRecvDataSegmentLength) break;
      parts.push(rest.next);
      bytes += rest.next.length;
      exchange.rest = restOf(rest.records);
    }
    const response = answer(request, exchange, joined(...parts));
    if (response.final) {
      this.#parameters = exchange.negotiation.parameters;
      this.#exchange = undefined;
    }
    return { response };
  }
}

function restOf(records: Records): Exchange["rest"] {
  const { value } = records.next();
  return value === undefined ? undefined : { records, next: value };
}

/** RFC 7143 §11.11: final where both sides have said all. */
function answer(request: TextRequest, exchange: Exchange, data: Uint8Array): TextAnswer {
  const continues = exchange.rest !== undefined;
  const final = request.final && !continues;
  return {
    final,
    continues,
    lun: request.lun,
    initiatorTaskTag: request.initiatorTaskTag,
    targetTransferTag: final ? NO_TAG : exchange.tag,
    data,
  };
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
