import type { Ipv4 } from "../bytes/ipv4.ts";
import type { MacAddress } from "../bytes/mac.ts";
import type { Instant } from "../net/clock.ts";
import type { BootEvent, DhcpClient } from "./events.ts";
import type { Fact } from "./story.ts";
import { isKernel, type NodeBoot } from "./timeline.ts";

/** What an explanation needs besides the story. */
export interface Situation {
  readonly now: Instant;
  readonly mode: "server" | "proxy" | "off";
  /** The node has connections to NFS or iSCSI. */
  readonly isPresent: boolean;
  /** Nodes of which a kernel was heard, and no firmware. */
  readonly strangers: () => readonly { readonly mac: MacAddress; readonly startedAt: Instant }[];
}

type Of<K extends BootEvent["kind"]> = Extract<BootEvent, { kind: K }>;
/** A fact whose event is of one kind. */
export type FactOf<K extends BootEvent["kind"]> = Fact & { readonly event: Of<K> };

export interface Seen extends Situation {
  readonly mac: MacAddress;
  readonly address: Ipv4 | undefined;
  readonly architecture: number | undefined;
  /** It said so, though that may be forgotten among what it did since. */
  readonly isUp: boolean;
  /** Of this boot. */
  readonly facts: readonly Fact[];
  /** Of the boots before. */
  readonly before: readonly Fact[];
  readonly last: Fact;
  /** Milliseconds since the node was last heard; without end in a boot that is over. */
  readonly quietMs: number;
}

/** Undefined where nothing is remembered of it. */
export function seenOf(boot: NodeBoot, situation: Situation): Seen | undefined {
  const { facts } = boot.story;
  const seen = seenIn(boot, facts, boot.startedAt, situation);
  return seen && { ...seen, isUp: boot.stage === "up" };
}

/** The boot before, as it was when this one began. */
export function seenBefore(boot: NodeBoot, situation: Situation): Seen | undefined {
  const [startedAt, endedAt] = boot.story.begun.slice(-2);
  if (startedAt === undefined || endedAt === undefined) return undefined;
  const facts = boot.story.facts.filter(({ first }) => first < endedAt);
  const seen = seenIn(boot, facts, startedAt, { ...situation, now: endedAt, isPresent: false });
  // Nothing more comes of it.
  return seen === undefined ? undefined : { ...seen, quietMs: Number.POSITIVE_INFINITY };
}

function seenIn(
  { mac, address, architecture }: NodeBoot,
  all: readonly Fact[],
  startedAt: Instant,
  situation: Situation,
): Seen | undefined {
  const facts = all.filter(({ first }) => first >= startedAt);
  const before = all.filter(({ first }) => first < startedAt);
  const last = lastOf(facts);
  if (last === undefined) return undefined;
  const quietMs = situation.now - last.last;
  const isUp = factsOf(facts, "up").length > 0;
  return { ...situation, mac, address, architecture, isUp, facts, before, last, quietMs };
}

/** What happened last; of what happened at once, the one told last. */
function lastOf(facts: readonly Fact[]): Fact | undefined {
  return facts.reduce<Fact | undefined>(
    (latest, fact) => (latest === undefined || fact.last >= latest.last ? fact : latest),
    undefined,
  );
}

export function factsOf<K extends BootEvent["kind"]>(facts: readonly Fact[], kind: K): FactOf<K>[] {
  return facts.filter((fact): fact is FactOf<K> => fact.event.kind === kind);
}

/** The DHCP of one kind of client. */
export function dhcpOf(
  facts: readonly Fact[],
  ...clients: readonly DhcpClient[]
): FactOf<"dhcp">[] {
  return factsOf(facts, "dhcp").filter(({ event }) => clients.includes(event.client));
}

/** It has an address: of ours, or of another server's as far as that was within hearing. */
export function hasAddress({ event }: FactOf<"dhcp">): boolean {
  return event.reply === "ACK" || (event.message === "REQUEST" && event.reply === undefined);
}

/** The last file that it asked for and needs. */
export function lastFile({ facts }: Pick<Seen, "facts">): FactOf<"file"> | undefined {
  return factsOf(facts, "file").findLast(
    ({ event }) => event.outcome !== "missing" || !isOptional(event.path),
  );
}

/** When the kernel was fetched, or as far as it was. */
export function kernelFile(seen: Seen): FactOf<"file"> | undefined {
  return factsOf(seen.facts, "file").findLast(
    ({ event }) => isKernel(event.path) && event.outcome !== "missing",
  );
}

export function isInitrd(path: string): boolean {
  return /(?:^|\/)initr(?:d|amfs)[^/]*$/.test(path);
}

/** What a loader reads before it knows what to boot. */
export function isConfiguration(path: string): boolean {
  const folders = /(?:^|\/)(?:pxelinux\.cfg|ipxe)\//;
  return (
    folders.test(path) || /\.cfg(?:-[^/]*)?$|\.ipxe$|(?:^|\/)(?:config|cmdline)\.txt$/.test(path)
  );
}

/** What loaders look for and do without: GRUB's lists, fonts and translations, shim's revocations and certificates. */
export function isOptional(path: string): boolean {
  return /\.(?:lst|mod|pf2|g?mo|mo\.gz)$|(?:^|\/)(?:revocations_|shim_certificate_)[^/]*$/.test(
    path,
  );
}

/** What firmware is told to fetch, or what a loader fetches to run; `vmlinuz-6.12.0` ends as `pxelinux.0` does. */
export function isProgram(path: string): boolean {
  if (isInitrd(path)) return false;
  return /\.(?:efi|k?pxe)$/i.test(path) || (path.endsWith(".0") && !isKernel(path));
}
