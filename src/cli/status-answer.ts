import { z } from "zod";
import { formatIpv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { STATUS_PAUSE_TIMES } from "../limits.ts";
import type { Clock } from "../net/clock.ts";
import { architectureName } from "../watch/architecture.ts";
import type { History } from "../watch/history.ts";
import type { Judgement } from "../watch/live.ts";
import type { NodeBoot } from "../watch/timeline.ts";
import type { Usual } from "../watch/usual.ts";

/** What is said of a node: in /status.json, and in /events while somebody follows. */
const nodeShape = z.object({
  mac: z.string(),
  name: z.string().optional(),
  address: z.string().optional(),
  /** The configuration names it. */
  known: z.boolean(),
  firmware: z.string().optional(),
  /** Option 93, and its name. */
  architecture: z.number().optional(),
  architectureName: z.string().optional(),
  /** `heard`, or the last of those below `seconds`. */
  stage: z.string(),
  /** After the beginning of the boot. */
  seconds: z.record(z.string(), z.number()),
  /** Milliseconds since 1970. */
  beganAt: z.number().optional(),
  heardAt: z.number().optional(),
  lastHeardSecondsAgo: z.number(),
  tree: z.string().optional(),
  /** SHA-256 of the sealed version that it runs, as it says. */
  digest: z.string().optional(),
  /** Of the version on which its layer was begun. */
  base: z.string().optional(),
  /** How long boots took before. */
  usual: z
    .object({
      /** `node`: its own boots; `tree`, `room`: of others, where it has too few. */
      of: z.enum(["node", "tree", "room"]),
      boots: z.number(),
      /** Until it was up. */
      median: z.number(),
      p95: z.number(),
      /** The middle one of each stage. */
      seconds: z.record(z.string(), z.number()),
    })
    .optional(),
  /** Than usual. */
  slower: z.boolean().optional(),
  /** As `sidus explain` says, of those that are not up: in /events only. */
  condition: z.string().optional(),
  cause: z.string().optional(),
  advice: z.string().optional(),
});
export type StatusNode = z.infer<typeof nodeShape>;

/** As far as commands use it. */
export const statusShape = z.object({ nodes: z.array(nodeShape) });
export const nodesShape = z.array(nodeShape);

export interface StatusDeps {
  readonly clock: Pick<Clock, "now" | "epochMs">;
  readonly history: Pick<History, "beganAt" | "usual" | "isSlower">;
  /** Whether the configuration names the node. */
  readonly isKnown: (mac: MacAddress) => boolean;
}

/** What /status.json answers: every node that was heard, answered or not. */
export function statusOf(
  boots: readonly NodeBoot[],
  refused: Record<string, Record<string, number>>,
  deps: StatusDeps,
): object {
  return { nodes: boots.map((boot) => nodeOf(boot, undefined, deps)), refused };
}

export function nodeOf(
  boot: NodeBoot,
  judgement: Judgement | undefined,
  { clock, history, isKnown }: StatusDeps,
): z.input<typeof nodeShape> {
  const { mac, name, address, firmware, architecture, stage, reached, startedAt } = boot;
  const usual = history.usual(boot);
  const quietMs = clock.now() - boot.lastHeardAt;
  return {
    mac: formatMac(mac),
    name,
    address: address === undefined ? undefined : formatIpv4(address),
    known: isKnown(mac),
    firmware,
    architecture,
    architectureName: architecture === undefined ? undefined : architectureName(architecture),
    stage,
    seconds: secondsOf([...reached].map(([at, instant]) => [at, instant - startedAt])),
    beganAt: history.beganAt(boot),
    heardAt: Math.round(clock.epochMs() - quietMs),
    lastHeardSecondsAgo: Math.round(quietMs / 1000),
    tree: boot.tree,
    digest: boot.digest,
    base: boot.base,
    usual: usual === undefined ? undefined : usualShown(usual),
    slower: history.isSlower(boot),
    condition: judgement?.condition,
    cause: judgement?.cause,
    advice: judgement?.advice,
  };
}

export function usualShown({ of, boots, medianMs, p95Ms, reached }: Usual) {
  return {
    of,
    boots,
    median: inSeconds(medianMs),
    p95: inSeconds(p95Ms),
    seconds: secondsOf(reached),
  };
}

export function secondsOf(times: Iterable<readonly [string, number]>): Record<string, number> {
  return Object.fromEntries([...times].map(([stage, ms]) => [stage, inSeconds(ms)]));
}

/** To the millisecond. */
export function inSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}

/** Made anew only after some times as long as that took: who asks again and again gets the same, and no core. */
export function seldomMade<T extends object>(clock: Pick<Clock, "now">, make: () => T): () => T {
  let made: T | undefined;
  let until = 0;
  return () => {
    const before = clock.now();
    if (made !== undefined && before < until) return made;
    made = make();
    until = clock.now() + STATUS_PAUSE_TIMES * (clock.now() - before);
    return made;
  };
}
