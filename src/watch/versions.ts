import { formatMac } from "../bytes/mac.ts";
import { shortDigest } from "./describe.ts";
import type { Fact } from "./story.ts";
import type { NodeBoot } from "./timeline.ts";

/** What is odd about the sealed version that a node says it runs, as lines for people. */
export function oddVersions(boot: NodeBoot): string[] {
  const { digest, base } = boot;
  const who = boot.name ?? formatMac(boot.mac);
  const given = givenIn(boot);
  const lines: string[] = [];
  if (digest !== undefined && given !== undefined && !digest.startsWith(given)) {
    lines.push(
      `${who} says that it runs version ${shortDigest(digest)}, and was given ${shortDigest(given)}: look at its kernel's command line`,
    );
  }
  if (base !== undefined && base !== digest) {
    const now = digest === undefined ? "a directory" : `version ${shortDigest(digest)}`;
    lines.push(
      `${who} boots ${now} with changes that were begun on version ${shortDigest(base)}: what was changed may hide what is new; sidus volume reset begins anew`,
    );
  }
  return lines;
}

/** The first digits of the version whose kernel it fetched or whose root it mounted last; undefined: of none. */
function givenIn({ story, startedAt }: NodeBoot): string | undefined {
  const pins = story.facts.filter(({ first }) => first >= startedAt).flatMap(pinOf);
  return pins.at(-1);
}

/** `/room@0123456789abcdef/boot/vmlinuz-6.1.0`, `/srv/nfsroot/room@0123456789abcdef` */
function pinOf({ event }: Fact): string[] {
  const granted = event.kind === "mount" && event.outcome === "granted";
  const sent = event.kind === "file" && event.outcome !== "missing";
  if (!granted && !sent) return [];
  const [, pin] = /@([0-9a-f]{16})(?:\/|$)/.exec(event.path) ?? [];
  return pin === undefined ? [] : [pin];
}
