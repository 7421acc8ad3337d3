import { describe, timeText } from "./describe.ts";
import {
  ignoredProxy,
  kernelNeverAsked,
  kernelNotAnswered,
  kernelOnOtherInterface,
  loaderNeverAsked,
  mountNeverAsked,
  noLoaderForFirmware,
  notAnswered,
  offerNotTaken,
  onlyAnOperatingSystem,
  refusedAddress,
  startedAnother,
  tookAnotherOffer,
} from "./dhcp-rules.ts";
import {
  fileDenied,
  fileMissing,
  ipxeLoop,
  ipxeWithoutDriver,
  loaderMissing,
  loaderSilent,
  loaderWaits,
  repliesDropped,
  secureBootRefused,
  toldByAnother,
  transferBroken,
  wentToDhcpServer,
} from "./file-rules.ts";
import type { Finding, Rule } from "./finding.ts";
import { gone, mountDenied, mountMissing, neverUp, rootLost, volumeRefused } from "./root-rules.ts";
import { type Seen, type Situation, seenBefore, seenOf } from "./seen.ts";
import type { NodeBoot } from "./timeline.ts";

/** How a node fares. `aside`: it does something else on its own, a menu or its own disk. */
export type Condition = "unheard" | "on its way" | "stuck" | "aside" | "up";

export interface Explanation {
  readonly stage: NodeBoot["stage"] | "unheard";
  readonly condition: Condition;
  /** What was asked last, and how many seconds ago. */
  readonly heard: { readonly what: string; readonly secondsAgo: number } | undefined;
  readonly cause: string;
  readonly advice: string | undefined;
  /** Of the table of quirks (boot/quirks.ts). */
  readonly quirk: string | undefined;
}

/** The most specific first: the first that sees its cause is the answer. */
export const rules: Readonly<Record<string, Rule>> = {
  refusedAddress,
  ipxeLoop,
  ipxeWithoutDriver,
  wentToDhcpServer,
  secureBootRefused,
  toldByAnother,
  loaderMissing,
  fileDenied,
  mountDenied,
  mountMissing,
  volumeRefused,
  gone,
  rootLost,
  neverUp,
  repliesDropped,
  transferBroken,
  kernelOnOtherInterface,
  kernelNotAnswered,
  mountNeverAsked,
  kernelNeverAsked,
  fileMissing,
  loaderWaits,
  loaderSilent,
  tookAnotherOffer,
  ignoredProxy,
  noLoaderForFirmware,
  loaderNeverAsked,
  offerNotTaken,
  onlyAnOperatingSystem,
  startedAnother,
  notAnswered,
};

const rulesOfBoot = Object.values(rules);
/** What a running node fetches, mounts or breaks off is its own affair. */
const rulesOfUp: readonly Rule[] = [refusedAddress, gone];

/** Boots of one node within this time that are a loop: who tests something does not boot it so often. */
const LOOP_BOOTS = 4;
const LOOP_MS = 1_200_000;
/** Without a word for so long something is wrong, though no rule says what. */
const QUIET_MS = 300_000;

export const unheard: Explanation = {
  stage: "unheard",
  condition: "unheard",
  heard: undefined,
  cause: "Nothing was heard of this MAC address since the server was started.",
  advice:
    "Check the cable and the link; the VLAN (a relay must pass DHCP on to this server); that network boot (PXE) is on in its firmware and comes first in the boot order; that the MAC address is that of the interface with the cable.",
  quirk: undefined,
};

/** How far a node came, what it asked last, and why it likely goes no further. */
export function explain(boot: NodeBoot | undefined, situation: Situation): Explanation {
  if (boot === undefined) return unheard;
  const { stage } = boot;
  const seen = seenOf(boot, situation);
  const secondsAgo = Math.round((situation.now - boot.lastHeardAt) / 1000);
  if (seen === undefined) return forgotten(boot, secondsAgo);
  const heard = { what: describe(seen.last.event), secondsAgo };
  const finding = loopOf(boot, seen, situation) ?? findingOf(seen);
  const { condition, cause, advice, quirk } =
    finding === undefined ? fine(seen, stage) : judged(finding);
  return { stage, condition, heard, cause, advice, quirk };
}

type Judgement = Pick<Explanation, "condition" | "cause" | "advice" | "quirk">;

function judged({ cause, advice, quirk, isStuck }: Finding): Judgement {
  return { condition: isStuck === false ? "aside" : "stuck", cause, advice, quirk };
}

function findingOf(seen: Seen): Finding | undefined {
  for (const rule of seen.isUp ? rulesOfUp : rulesOfBoot) {
    const finding = rule(seen);
    if (finding !== undefined) return finding;
  }
  return undefined;
}

/** A node that boots again and again: what stopped it the time before. */
function loopOf(boot: NodeBoot, seen: Seen, situation: Situation): Finding | undefined {
  const lately = boot.story.begun.filter((at) => situation.now - at < LOOP_MS);
  const [first] = lately;
  const hasBeenUp = boot.story.facts.some(
    ({ event, last }) => event.kind === "up" && first !== undefined && last >= first,
  );
  if (first === undefined || lately.length < LOOP_BOOTS || hasBeenUp) return undefined;
  const before = seenBefore(boot, situation);
  const finding = findingOf(seen) ?? (before === undefined ? undefined : findingOf(before));
  const many = `It began to boot ${lately.length} times within ${timeText(situation.now - first)}, and was never up.`;
  return finding === undefined
    ? {
        cause: `${many} Nothing that was seen says why.`,
        advice:
          "Look at its screen when it starts again; add panic=0 to the label's `append` to keep the kernel's last words.",
      }
    : { ...finding, cause: `${many} ${finding.cause}` };
}

function fine(seen: Seen, stage: NodeBoot["stage"]): Judgement {
  if (stage === "up") {
    return { condition: "up", cause: "It is up.", advice: undefined, quirk: undefined };
  }
  if (seen.quietMs < QUIET_MS) {
    const cause = "It is on its way: nothing that was seen so far is wrong.";
    return { condition: "on its way", cause, advice: undefined, quirk: undefined };
  }
  return {
    condition: "stuck",
    cause: "It went silent, and nothing that was seen says why.",
    advice: "Look at its screen.",
    quirk: undefined,
  };
}

function forgotten({ stage, tree }: NodeBoot, secondsAgo: number): Explanation {
  const condition = stage === "up" ? "up" : "on its way";
  const cause = tree === undefined ? "It boots; its story was forgotten." : "It is up.";
  const heard = { what: "forgotten: there were too many nodes", secondsAgo };
  return { stage, condition, heard, cause, advice: undefined, quirk: undefined };
}
