import { TRACE_PHASES } from "../../limits.ts";
import type { StormProtocol } from "../client.ts";
import { reachedBy } from "../node/stages.ts";
import { type BootPhase, type StormStage, stormStages } from "../result.ts";
import { bytesOf, kindOf } from "./figures.ts";
import type { Deed, Step, Trace } from "./trace.ts";

/** What a step adds to the phase that it is in. */
interface Share {
  readonly until: StormStage;
  readonly protocol: StormProtocol;
  readonly calls: number;
  readonly bytes: number;
  readonly rounds: number;
  /** Seconds. */
  readonly own: number;
  /** Of a boot's calls, bytes and own time: 0 to 1. */
  readonly weight: number;
}

/**
 * A trace cut where a node gets to a stage, and in between into pieces with about as much work each: what nodes do in one
 * piece is alike, while calls and bulk, or work and a pause, are in pieces of their own. `think`: times the node's own time.
 */
export function phasesOf(trace: Trace, think: number): BootPhase[] {
  const phases: BootPhase[] = [];
  let pieces: Share[] = [];
  let weight = 0;
  const close = (): void => {
    if (pieces.length > 0) phases.push(phaseOf(pieces));
    pieces = [];
    weight = 0;
  };
  for (const share of sharesOf(trace, think)) {
    const isLarge = share.weight >= 1 / TRACE_PHASES;
    if (isLarge || pieces[0]?.until !== share.until) close();
    pieces.push(share);
    weight += share.weight;
    if (isLarge || weight >= 1 / TRACE_PHASES) close();
  }
  close();
  return phases;
}

function phaseOf(shares: readonly Share[]): BootPhase {
  const calls: BootPhase["calls"] = {};
  const received: BootPhase["received"] = {};
  let [own, rounds] = [0, 0];
  for (const share of shares) {
    const { protocol } = share;
    if (share.calls > 0) calls[protocol] = (calls[protocol] ?? 0) + share.calls;
    if (share.bytes > 0) received[protocol] = (received[protocol] ?? 0) + share.bytes;
    own += share.own;
    rounds += share.rounds;
  }
  return { until: shares[0]?.until ?? "up", own, rounds, calls, received };
}

/** Each step's pause, then what it does. */
function sharesOf(trace: Trace, think: number): Share[] {
  const { steps } = trace;
  const bytes = steps.map(({ deed }) => bytesOf(deed, trace));
  const calls = steps.map(({ deed }) => (deed.kind === "dhcp" ? 2 : 1));
  const { own, rounds } = waitsOf(steps, think);
  const untils = untilsOf(steps);
  const totals = [calls, bytes, own].map((values) => sum(values) || 1);
  const weigh = (...values: readonly number[]): number =>
    sum(values.map((value, index) => value / (totals[index] ?? 1))) / values.length;
  return steps.flatMap(({ deed }, index) => {
    const protocol = protocolOf(deed);
    const [pause, asked, had] = [own[index] ?? 0, calls[index] ?? 0, bytes[index] ?? 0];
    return [
      {
        until: untils[2 * index] ?? "up",
        protocol,
        calls: 0,
        bytes: 0,
        rounds: 0,
        own: pause,
        weight: weigh(0, 0, pause),
      },
      {
        until: untils[2 * index + 1] ?? "up",
        protocol,
        calls: asked,
        bytes: had,
        rounds: rounds[index] ?? 0,
        own: 0,
        weight: weigh(asked, had, 0),
      },
    ];
  });
}

/** Of each step: own seconds by which it comes later than the one before, and answers that the node waits for because of it. */
function waitsOf(
  steps: readonly Step[],
  think: number,
): { readonly own: readonly number[]; readonly rounds: readonly number[] } {
  const ends: { readonly at: number; readonly round: number }[] = [];
  const own: number[] = [];
  const rounds: number[] = [];
  let [at, round] = [0, 0];
  for (const { after, think: pause, deed } of steps) {
    const before = ends[after] ?? { at: 0, round: 0 };
    const sentAt = Math.max(at, before.at + (pause / 1e6) * think);
    const inside = deed.kind === "dhcp" ? (deed.think / 1e6) * think : 0;
    const end = { at: sentAt + inside, round: before.round + roundsOf(deed) };
    ends.push(end);
    own.push(sentAt - at);
    rounds.push(Math.max(0, end.round - round));
    [at, round] = [sentAt, Math.max(round, end.round)];
  }
  return { own, rounds };
}

/** Answers that a deed waits for, one after another. */
function roundsOf(deed: Deed): number {
  if (deed.kind === "dhcp") return 2;
  if (deed.kind !== "tftp" || deed.ends !== "whole") return 1;
  const option = (name: string, usual: number): number => {
    const [, value = ""] = deed.options.find(([written]) => written.toLowerCase() === name) ?? [];
    return /^[1-9]\d{0,4}$/.test(value) ? Number(value) : usual;
  };
  // RFC 1350's block, and one at a time, where nothing else, or no number, was asked for (RFC 2348, RFC 7440).
  return 1 + Math.ceil(deed.bytes / option("blksize", 512) / option("windowsize", 1));
}

/** Of the pause before each step, and of the step: the stage that a node is on its way to; after the last one, `up`. */
function untilsOf(steps: readonly Step[]): readonly StormStage[] {
  const lasts: (readonly [stage: StormStage, last: number])[] = [];
  let furthest = -1;
  const reach = (stage: StormStage | undefined, last: number): void => {
    if (stage === undefined || stormStages.indexOf(stage) <= furthest) return;
    furthest = stormStages.indexOf(stage);
    lasts.push([stage, last]);
  };
  for (const [index, { deed }] of steps.entries()) {
    reach(reachedBy(deed, "sending"), 2 * index);
    reach(reachedBy(deed, "end"), 2 * index + 1);
  }
  return Array.from(
    { length: 2 * steps.length },
    (_, index) => lasts.find(([, last]) => index <= last)?.[0] ?? "up",
  );
}

/** As it is counted: who says that it is up does so by HTTP. */
function protocolOf({ kind }: Deed): StormProtocol {
  const counted = kindOf[kind];
  return counted === "up" ? "http" : counted;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
