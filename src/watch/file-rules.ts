import { formatIpv4 } from "../bytes/ipv4.ts";
import { isHttpBoot, isUefi } from "./architecture.ts";
import { sizeText, timeText } from "./describe.ts";
import type { DhcpClient } from "./events.ts";
import type { Finding, Rule } from "./finding.ts";
import {
  dhcpOf,
  type FactOf,
  factsOf,
  isConfiguration,
  isInitrd,
  isProgram,
  lastFile,
  type Seen,
} from "./seen.ts";
import { isKernel } from "./timeline.ts";

/** Loaders look for several names in turn, some milliseconds apart; people read a menu. */
const LOADER_MS = 20_000;
/** TFTP sends a block for the last time after 32 s, and an HTTP connection on which nothing moves ends after 60 s. */
const TRANSFER_MS = 60_000;
/** Twice in a row is once too often. */
const IPXE_TIMES = 2;

/** UEFI fetched a loader, ran nothing of it, and begins anew by HTTP: REPORT of OVMF 2022.11 with Secure Boot on. */
export const secureBootRefused: Rule = (seen) => {
  const before = isHttpBoot(seen.architecture) && lastFile(seen) === undefined ? seen.before : [];
  const beganAnew = programAtEnd(before);
  const isQuiet = seen.quietMs >= LOADER_MS && isUefi(seen.architecture);
  const program = beganAnew ?? (isQuiet ? programAtEnd(seen.facts) : undefined);
  if (program === undefined || isSigned(program.event.path)) return undefined;
  const { path } = program.event;
  return {
    cause:
      beganAnew === undefined
        ? `Its firmware fetched ${path}, and nothing followed: most likely Secure Boot is on, which refuses a loader that nobody signed.`
        : `Its firmware fetched ${path}, and began anew by UEFI HTTP boot: Secure Boot is on, and refuses a loader that nobody signed.`,
    advice:
      "Let it start Debian's signed shim: `loader: shim` (shim-signed and grub-efi-amd64-signed in the tree), or switch Secure Boot off in its firmware.",
    quirk: "secure-boot-unsigned",
  };
};

/** iPXE that fetches itself, though it said that it is iPXE (options 77 and 175): not by our word. */
export const ipxeLoop: Rule = (seen) => {
  const path = ipxeFetchedBy(seen, "ipxe").at(IPXE_TIMES - 1);
  if (path === undefined) return undefined;
  return {
    cause: `iPXE fetches ${path} again and again, which is iPXE: it is told so by a DHCP server that does not see what asks (options 77 and 175).`,
    advice:
      "Only one server may name the file (sidus doctor --listen names all). One that must name it says boot.ipxe to who has the user class iPXE.",
    quirk: "ipxe-loop",
  };
};

/** iPXE that is fetched and never asks for an address: the firmware comes back instead. */
export const ipxeWithoutDriver: Rule = (seen) => {
  const path = ipxeFetchedBy(seen, "pxe").at(IPXE_TIMES - 1);
  if (path === undefined || seen.quietMs < LOADER_MS) return undefined;
  return {
    cause: `Its firmware fetched ${path} more than once, and iPXE itself never asked for an address: it finds no network device there, or hangs.`,
    advice:
      "After two failures it gets the next loader by itself. Choose what works for it: `loader: grub` or `pxelinux` below its node; update its firmware.",
    quirk: "ipxe-driver-fails",
  };
};

/** iPXE's programs that were fetched one after the other, without anything else, when such a client had asked last. */
function ipxeFetchedBy({ before, facts }: Seen, client: DhcpClient): string[] {
  let paths: string[] = [];
  let asked: DhcpClient | undefined;
  for (const { event, times } of [...before, ...facts]) {
    if (event.kind === "dhcp") {
      if (event.client === "ipxe" && client === "pxe") paths = [];
      asked = event.client;
    } else if (event.kind === "file" && asked === client && isIpxe(event.path)) {
      paths.push(...Array<string>(Math.min(times, IPXE_TIMES)).fill(event.path));
    } else if (event.kind !== "refused" && !(event.kind === "file" && isIpxe(event.path))) {
      paths = [];
    }
  }
  return paths;
}

/** The first that it asked for is another than it was told. */
export const toldByAnother: Rule = (seen) => {
  const [first] = factsOf(seen.facts, "file");
  const told = bootFileOf(seen);
  if (first?.event.outcome !== "missing" || told === undefined) return undefined;
  if (isSame(first.event.path, told) || factsOf(seen.facts, "file").some(isGiven)) return undefined;
  return {
    cause: `It asked for ${first.event.path}, and was told to fetch ${told}: another DHCP server names the loader.`,
    advice: `Look for it with sidus doctor --listen; or put ${first.event.path} into \`boot.overlay\`.`,
  };
};

/** What it was told to fetch is not there. */
export const loaderMissing: Rule = (seen) => {
  const files = factsOf(seen.facts, "file");
  const last = files.at(-1);
  if (last?.event.outcome !== "missing" || files.some(isGiven)) return undefined;
  return {
    cause: `The loader ${last.event.path} is not there: neither the overlay nor a tree has it.`,
    advice:
      "Build the tree anew (sidus build puts in all loaders), or put the file into `boot.overlay`.",
  };
};

/** `exports.*.clients` does not have the address. */
export const fileDenied: Rule = (seen) => {
  const at = seen.facts.findLastIndex(
    ({ event }) =>
      event.kind === "refused" && event.reason === "denied" && event.path !== undefined,
  );
  const event = seen.facts[at]?.event;
  if (event?.kind !== "refused" || factsOf(seen.facts.slice(at), "file").some(isGiven)) {
    return undefined;
  }
  return {
    cause: `It may not have ${event.path}: the export's \`clients\` do not have its address${addressText(seen)}.`,
    advice: "Add its network to the export's `clients`, and reload.",
  };
};

/** It asks, and what we answer does not reach it: no OACK was ever acknowledged. */
export const repliesDropped: Rule = (seen) => {
  const event = seen.facts.findLast(
    ({ event }) => event.kind === "refused" && event.reason === "never answered",
  )?.event;
  if (event?.kind !== "refused" || event.path === undefined) return undefined;
  const { path } = event;
  const isThere = ({ event: { path: given, outcome } }: FactOf<"file">): boolean =>
    given === path && outcome !== "missing";
  return factsOf(seen.facts, "file").some(isThere) ? undefined : unacknowledged(path);
};

function unacknowledged(path: string): Finding {
  return {
    cause: `It asked for ${path}, and no block of it was ever acknowledged: a firewall drops TFTP's replies, which come from another port than 69.`,
    advice:
      "Let UDP from this server's high ports pass (conntrack's TFTP helper, or a rule for this server), or use loaders that fetch by HTTP.",
  };
}

/** A transfer that began and did not end. */
export const transferBroken: Rule = (seen) => {
  const file = lastFile(seen);
  if (file === undefined || seen.facts.some(isLaterStage(file))) return undefined;
  const { outcome, bytes, path, protocol } = file.event;
  const isStalled = outcome === "started" && seen.quietMs >= TRANSFER_MS;
  if (outcome !== "aborted" && !isStalled) return undefined;
  if (protocol === "tftp" && bytes === 0) return unacknowledged(path);
  const far = outcome === "aborted" ? `broke off after ${sizeText(bytes)}` : "came to a standstill";
  return {
    cause: isInitrd(path)
      ? `Its initrd, ${path}, ${far}: the link loses frames, or the loader has no memory for it.`
      : `${protocol.toUpperCase()} of ${path} ${far}: the link loses frames, a firewall ends it, or the node was switched off.`,
    advice:
      "Look at the cable, the switch's error counters and the duplex mode. HTTP takes losses better than TFTP: `loader: lpxelinux`, `grub` or `ipxe`.",
  };
};

/** The last that a loader wanted is not there. */
export const fileMissing: Rule = (seen) => {
  const last = lastFile(seen);
  if (last?.event.outcome !== "missing" || seen.quietMs < LOADER_MS) return undefined;
  if (seen.facts.some(isLaterStage(last))) return undefined;
  const { path } = last.event;
  return {
    cause: isConfiguration(path)
      ? `Its loader found no configuration; it looked last for ${path}.`
      : `${path} is not there, and it asked for nothing after it.`,
    advice: isConfiguration(path)
      ? "See that the node's label exists and its tree has a kernel and an initrd (the server's log says so at its start)."
      : "See that the label's `kernel`, `initrd` or `program` are paths in its tree or in `boot.overlay`.",
  };
};

/** A loader with its configuration that does not boot: a menu, a message, the local disk. */
export const loaderWaits: Rule = (seen) => {
  const files = factsOf(seen.facts, "file").filter(isGiven);
  const isConfigured = files.some(({ event }) => isConfiguration(event.path));
  const hasKernel = files.some(({ event }) => isKernel(event.path));
  if (!isConfigured || hasKernel || seen.quietMs < LOADER_MS || !isAtLoader(seen)) return undefined;
  return {
    cause: `Its loader has its configuration and asked for nothing more in ${timeText(seen.now - seen.last.last)}: it shows a menu or a message, or started the local disk.`,
    advice:
      "If its label should boot a tree, see which label it has (sidus nodes list), and look at its screen.",
    isStuck: false,
  };
};

/** In proxy mode, who asks the DHCP server for its next file does not ask us. */
export const wentToDhcpServer: Rule = (seen) => {
  const path = programAtEnd(seen.facts)?.event.path;
  if (seen.mode !== "proxy" || path === undefined || seen.quietMs < LOADER_MS) return undefined;
  const isShim = /(?:^|\/)shim[^/]*$/i.test(path);
  if (!isShim && !/(?:^|\/)grub[^/]*$/i.test(path)) return undefined;
  return {
    cause: `It fetched ${path}, which asks the server that gave the address for its next file, not us.`,
    advice:
      "Use `loader: ipxe`, or UEFI HTTP boot, or `dhcp.mode: server`; or let that server name this one as next-server.",
    quirk: isShim ? "shim-asks-dhcp-server" : "grub-no-proxydhcp",
  };
};

/** A loader that was sent whole, and asked for nothing. */
export const loaderSilent: Rule = (seen) => {
  const path = programAtEnd(seen.facts)?.event.path;
  if (path === undefined || seen.quietMs < LOADER_MS) return undefined;
  const cause = `It fetched its loader, ${path}, and in ${timeText(seen.now - seen.last.last)} the loader asked for nothing: it did not start, or does not get along with the firmware's network driver.`;
  const advice =
    "Try another: `loader: ipxe`, `grub` or `pxelinux` for the node; update its firmware.";
  return isIpxe(path) ? { cause, advice, quirk: "ipxe-driver-fails" } : { cause, advice };
};

/** The last thing that was fetched is a program, as a whole. */
function programAtEnd(facts: Seen["facts"]): FactOf<"file"> | undefined {
  const last = lastFile({ facts });
  if (last?.event.outcome !== "done" || !isProgram(last.event.path)) return undefined;
  if (facts.some(isLaterStage(last)) || hasKernelAsked(facts)) return undefined;
  return isOfConfiguration(facts, last) ? undefined : last;
}

/** A loader read its configuration before: it is what the label says, and runs. */
function isOfConfiguration(facts: Seen["facts"], program: Seen["facts"][number]): boolean {
  const until = facts.slice(0, facts.indexOf(program));
  const asked = until.findLastIndex(({ event }) => event.kind === "dhcp");
  return factsOf(until.slice(asked + 1), "file").some(
    (file) => isGiven(file) && isConfiguration(file.event.path),
  );
}

function hasKernelAsked(facts: Seen["facts"]): boolean {
  return dhcpOf(facts, "kernel").length > 0;
}

/** Microsoft's and Debian's keys; GRUB after it is checked by shim itself. */
function isSigned(path: string): boolean {
  return /(?:^|\/)(?:shim|grub|mm)(?:x64|aa64|ia32)\.efi/i.test(path);
}

function isIpxe(path: string): boolean {
  return /(?:^|\/)(?:undionly|ipxe|snponly)[^/]*\.(?:k?pxe|efi)$/i.test(path);
}

function bootFileOf({ facts }: Seen): string | undefined {
  return dhcpOf(facts, "pxe", "ipxe").findLast(({ event }) => event.bootFile !== undefined)?.event
    .bootFile;
}

/** A URL names its path; TFTP's may begin with `/`. */
function isSame(path: string, bootFile: string): boolean {
  const plain = (text: string): string => text.replace(/^https?:\/\/[^/]*/, "").replace(/^\/+/, "");
  return plain(path) === plain(bootFile).replace(/\?.*$/, "");
}

function isGiven({ event }: FactOf<"file">): boolean {
  return event.outcome === "done" || event.outcome === "started";
}

/** Asked after it, by what it started. */
function isLaterStage(file: FactOf<"file">): (fact: Seen["facts"][number]) => boolean {
  return ({ event, first }) =>
    first >= file.last &&
    (["mount", "portmap", "session", "up"].includes(event.kind) ||
      (event.kind === "dhcp" && event.client !== "pxe"));
}

function isAtLoader({ facts, isPresent }: Seen): boolean {
  const last = lastFile({ facts });
  return !isPresent && last !== undefined && !facts.some(isLaterStage(last));
}

function addressText({ address }: Seen): string {
  return address === undefined ? "" : `, ${formatIpv4(address)}`;
}
