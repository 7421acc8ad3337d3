import { type Malformed, malformed } from "../bytes/malformed.ts";
import {
  ISCSI_BURST_BYTES_MAX,
  ISCSI_FIRST_BURST_BYTES_MAX,
  ISCSI_R2T_OUTSTANDING_MAX,
} from "../limits.ts";
import { IRRELEVANT, type Pairs, parseBoolean, parseList, parseNumber, REJECT } from "./keys.ts";

/** What a session and its connection agreed on: RFC 7143 §13. Left out is what comes out one way only with us. */
export interface SessionParameters {
  readonly isDiscovery: boolean;
  readonly hasHeaderDigest: boolean;
  readonly hasDataDigest: boolean;
  readonly initialR2T: boolean;
  readonly immediateData: boolean;
  /** Bytes of data segments that we take, and that the initiator takes. */
  readonly maxRecvDataSegmentLength: number;
  readonly peerMaxRecvDataSegmentLength: number;
  /** Bytes; the first burst is never longer than the others. */
  readonly maxBurstLength: number;
  readonly firstBurstLength: number;
  readonly maxOutstandingR2T: number;
  /** Seconds. */
  readonly defaultTime2Wait: number;
  readonly defaultTime2Retain: number;
}

/** The defaults of RFC 7143 §13. */
export const DEFAULT_PARAMETERS: SessionParameters = {
  isDiscovery: false,
  hasHeaderDigest: false,
  hasDataDigest: false,
  initialR2T: true,
  immediateData: true,
  maxRecvDataSegmentLength: 8192,
  peerMaxRecvDataSegmentLength: 8192,
  maxBurstLength: 262_144,
  firstBurstLength: 65_536,
  maxOutstandingR2T: 1,
  defaultTime2Wait: 2,
  defaultTime2Retain: 20,
};

export type Draft = { -readonly [Key in keyof SessionParameters]: SessionParameters[Key] };

/** When a text comes: in one of the two stages of a login that have text, or in the full feature phase. */
export type Phase = "security" | "operational" | "full-feature";

/** How a key that an initiator sends is answered. */
export interface Rule {
  readonly phases: readonly Phase[];
  /** RFC 7143 §6.2: its value is told, not agreed on. */
  readonly isDeclaration: boolean;
  /**
   * Takes what came out into the draft. Undefined: it needs no answer. Malformed: a declaration that cannot stand.
   * `offers`: all that came together with it.
   */
  readonly answer: (offer: string, draft: Draft, offers: Pairs) => string | Malformed | undefined;
}

/** Data comes and goes in order, whatever is offered: the result is Yes where one side says so. */
const inOrder: Rule = {
  phases: ["operational"],
  isDeclaration: false,
  answer: (text) => (parseBoolean(text) === undefined ? REJECT : "Yes"),
};

/** §13.12 to §13.14 */
const SEGMENT_BYTES_MIN = 512;
const SEGMENT_BYTES_MAX = 0xff_ffff;

const LOGIN: readonly Phase[] = ["security", "operational"];
const OPERATIONAL: readonly Phase[] = ["operational"];
const ALWAYS: readonly Phase[] = ["security", "operational", "full-feature"];

/** RFC 7143 §13, in its order. A Map: names come from the wire. */
export const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["HeaderDigest", digest("hasHeaderDigest")],
  ["DataDigest", digest("hasDataDigest")],
  ["MaxConnections", notInDiscovery(number(1, 65_535, () => 1))],
  // SendTargets is discovery.ts's, where it may stand.
  ["SendTargets", constant(REJECT)],
  ["TargetName", declaration(LOGIN, () => undefined)],
  ["InitiatorName", declaration(LOGIN, () => undefined)],
  ["TargetAlias", constant(REJECT)],
  ["InitiatorAlias", declaration(ALWAYS, () => undefined)],
  ["TargetAddress", constant(REJECT)],
  ["TargetPortalGroupTag", constant(REJECT)],
  ["InitialR2T", notInDiscovery(agreed("initialR2T"))],
  ["ImmediateData", notInDiscovery(agreed("immediateData"))],
  ["MaxRecvDataSegmentLength", declaration(["operational", "full-feature"], segmentLength)],
  ["MaxBurstLength", notInDiscovery(bytes(maxBurst))],
  ["FirstBurstLength", notInDiscovery(bytes(firstBurst))],
  ["DefaultTime2Wait", number(0, 3600, defaultTime2Wait)],
  ["DefaultTime2Retain", number(0, 3600, defaultTime2Retain)],
  ["MaxOutstandingR2T", notInDiscovery(number(1, 65_535, maxOutstandingR2T))],
  ["DataPDUInOrder", notInDiscovery(inOrder)],
  ["DataSequenceInOrder", notInDiscovery(inOrder)],
  ["ErrorRecoveryLevel", number(0, 2, () => 0)],
  ["SessionType", declaration(LOGIN, sessionType)],
  ["TaskReporting", notInDiscovery(list(["RFC3720"]))],
  ["iSCSIProtocolLevel", number(0, 31, (offer) => Math.min(offer, 1))],
  // §13.25, markers: obsolete. Linux offers them still, and takes this answer from every target.
  ["IFMarker", constant("No")],
  ["OFMarker", constant("No")],
  ["IFMarkInt", constant(REJECT)],
  ["OFMarkInt", constant(REJECT)],
  ["X-NodeArchitecture", declaration(ALWAYS, () => undefined)],
  // Security is login.ts's, in its stage; nowhere else.
  ["AuthMethod", { ...constant(REJECT), phases: [] }],
]);

function declaration(phases: readonly Phase[], answer: Rule["answer"]): Rule {
  return { phases, isDeclaration: true, answer };
}

function constant(answer: string): Rule {
  return { phases: ALWAYS, isDeclaration: false, answer: () => answer };
}

/** What is not in the bounds of its key changes nothing: RFC 7143 §6.2.2. */
function number(
  least: number,
  most: number,
  choose: (offer: number, draft: Draft, offers: Pairs) => number,
): Rule {
  const answer: Rule["answer"] = (text, draft, offers) => {
    const offer = parseNumber(text);
    if (offer === undefined || offer < least || offer > most) return REJECT;
    return String(choose(offer, draft, offers));
  };
  return { phases: OPERATIONAL, isDeclaration: false, answer };
}

function bytes(choose: (offer: number, draft: Draft, offers: Pairs) => number): Rule {
  return number(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX, choose);
}

/** Whatever the initiator offers is fine with us: No for InitialR2T, Yes for ImmediateData. */
function agreed(key: "initialR2T" | "immediateData"): Rule {
  const answer: Rule["answer"] = (text, draft) => {
    const offer = parseBoolean(text);
    if (offer === undefined) return REJECT;
    draft[key] = offer;
    return text;
  };
  return { phases: OPERATIONAL, isDeclaration: false, answer };
}

/** The initiator's first of those that we know: RFC 7143 §6.2.1. */
function list(known: readonly string[]): Rule {
  const answer: Rule["answer"] = (text) =>
    parseList(text).find((value) => known.includes(value)) ?? REJECT;
  return { phases: OPERATIONAL, isDeclaration: false, answer };
}

function digest(key: "hasHeaderDigest" | "hasDataDigest"): Rule {
  const rule = list(["CRC32C", "None"]);
  const answer: Rule["answer"] = (text, draft, offers) => {
    const chosen = rule.answer(text, draft, offers);
    draft[key] = chosen === "CRC32C";
    return chosen;
  };
  return { ...rule, answer };
}

function notInDiscovery(rule: Rule): Rule {
  const answer: Rule["answer"] = (text, draft, offers) =>
    draft.isDiscovery || offers.get("SessionType") === "Discovery"
      ? IRRELEVANT
      : rule.answer(text, draft, offers);
  return { ...rule, answer };
}

function maxBurst(offer: number, draft: Draft): number {
  draft.maxBurstLength = Math.min(offer, ISCSI_BURST_BYTES_MAX);
  return draft.maxBurstLength;
}

/** §13.14: no longer than the other bursts, whichever of the two keys came first. */
function firstBurst(offer: number, draft: Draft, offers: Pairs): number {
  const offered = parseNumber(offers.get("MaxBurstLength") ?? "") ?? draft.maxBurstLength;
  const longest = Math.max(SEGMENT_BYTES_MIN, offered);
  draft.firstBurstLength = Math.min(offer, ISCSI_FIRST_BURST_BYTES_MAX, longest);
  return draft.firstBurstLength;
}

function maxOutstandingR2T(offer: number, draft: Draft): number {
  draft.maxOutstandingR2T = Math.min(offer, ISCSI_R2T_OUTSTANDING_MAX);
  return draft.maxOutstandingR2T;
}

function defaultTime2Wait(offer: number, draft: Draft): number {
  draft.defaultTime2Wait = offer;
  return offer;
}

/** §13.16, error recovery level 0: nothing is retained, a session ends with its connection. */
function defaultTime2Retain(_: number, draft: Draft): number {
  draft.defaultTime2Retain = 0;
  return 0;
}

function segmentLength(text: string, draft: Draft): Malformed | undefined {
  const told = parseNumber(text);
  if (told === undefined || told < SEGMENT_BYTES_MIN || told > SEGMENT_BYTES_MAX) {
    return malformed("MaxRecvDataSegmentLength out of bounds");
  }
  draft.peerMaxRecvDataSegmentLength = told;
  return undefined;
}

function sessionType(text: string, draft: Draft): Malformed | undefined {
  if (text !== "Normal" && text !== "Discovery") return malformed("SessionType unknown");
  draft.isDiscovery = text === "Discovery";
  return undefined;
}
