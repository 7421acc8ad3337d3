import { z } from "zod";
import { quirks } from "../boot/quirks.ts";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../bytes/mac.ts";
import { describe } from "../watch/describe.ts";
import { type Explanation, explain } from "../watch/explain.ts";
import type { Situation } from "../watch/seen.ts";
import type { NodeBoot, Timeline } from "../watch/timeline.ts";

/** What /explain.json answers. */
export const explanationShape = z.object({
  mac: z.string(),
  name: z.string().optional(),
  address: z.string().optional(),
  stage: z.string(),
  condition: z.enum(["unheard", "on its way", "stuck", "aside", "up"]),
  /** What was asked last. */
  heard: z.object({ what: z.string(), secondsAgo: z.number() }).optional(),
  cause: z.string(),
  advice: z.string().optional(),
  quirk: z
    .object({
      id: z.string(),
      firmware: z.string(),
      symptom: z.string(),
      treatment: z.string(),
      source: z.array(z.string()).readonly(),
    })
    .optional(),
  /** What was seen of this boot, in seconds after it began. */
  way: z.array(z.object({ seconds: z.number(), what: z.string(), times: z.number() })),
});
export type ExplanationShown = z.infer<typeof explanationShape>;

export interface ExplainDeps {
  readonly timeline: Timeline;
  readonly mode: Situation["mode"];
  readonly now: Situation["now"];
  /** Somebody at the address has connections. */
  readonly isPresent: (address: Ipv4) => boolean;
}

/** Of a node that was never heard, too. */
export function explanationOf(mac: MacAddress, deps: ExplainDeps): ExplanationShown {
  const boot = deps.timeline.boot(mac);
  const { quirk, ...explained } = explainedOf(boot, deps);
  return {
    mac: formatMac(mac),
    name: boot?.name,
    address: boot?.address === undefined ? undefined : formatIpv4(boot.address),
    ...explained,
    quirk: quirks.find(({ id }) => id === quirk),
    way: boot === undefined ? [] : wayOf(boot),
  };
}

/** Without the way so far: what is asked of many nodes again and again. */
export function explainedOf(
  boot: NodeBoot | undefined,
  { timeline, mode, now, isPresent }: ExplainDeps,
): Explanation {
  return explain(boot, {
    now,
    mode,
    isPresent: boot?.address !== undefined && isPresent(boot.address),
    strangers: () => timeline.kernelsAlone(),
  });
}

function wayOf({ story, startedAt }: NodeBoot): ExplanationShown["way"] {
  return story.facts
    .filter(({ first }) => first >= startedAt)
    .map(({ event, first, times }) => ({
      seconds: Math.round((first - startedAt) / 10) / 100,
      what: describe(event),
      times,
    }));
}
