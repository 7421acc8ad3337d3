import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { formatMac } from "../bytes/mac.ts";
import { architectureName, isHttpBoot } from "./architecture.ts";
import { timeText } from "./describe.ts";
import type { Finding, Rule } from "./finding.ts";
import {
  dhcpOf,
  type FactOf,
  factsOf,
  hasAddress,
  kernelFile,
  lastFile,
  type Seen,
} from "./seen.ts";
import type { Fact } from "./story.ts";

/** Firmware waits up to 32 s before it asks again, and iPXE seeks IPv6 routers for 18 s. */
const FIRMWARE_MS = 40_000;
const OWN_NAMES_MS = 10_000;
/** A kernel unpacks its initrd and waits for its interfaces; slow machines with many take a minute. */
export const KERNEL_MS = 90_000;
/** From its address to its root: the initrd asks at once, and again. */
const MOUNT_MS = 60_000;

/** Why the server did not answer, where it was its decision. */
const refusals: Readonly<Record<string, Finding>> = {
  "unknown-node": {
    cause: "The configuration does not name the node, and says deny-unknown.",
    advice: "Name its MAC address below `nodes:`, or take out `dhcp.deny-unknown`, and reload.",
  },
  "not-allowed": {
    cause: "Its MAC address is not among those of `dhcp.allow`.",
    advice: "Add it, or its maker's as 52:54:00:*, to `dhcp.allow`, and reload.",
  },
  "pool-exhausted": {
    cause: "No address is left: the range of its network is used up.",
    advice: "Widen `range:`, shorten `lease:`, or keep an address for it by `ip:`, and reload.",
  },
  "other-subnet": {
    cause:
      "It asked from a network that the configuration does not have: through a relay, or with an old address.",
    advice: "Describe that network below `dhcp.subnets`, and reload.",
  },
  "no-boot-file": {
    cause: "There is no loader for its firmware.",
    advice:
      "Build the tree anew (sidus build puts in all loaders), or put one into `boot.overlay`.",
  },
  busy: {
    cause: "More leases than the disk takes wait to be written.",
    advice: "Nothing, if a flood ends; otherwise look at the disk of the state directory.",
  },
  failed: {
    cause: "The server could not answer: a lease was not written, or it made a mistake.",
    advice: "Read the server's log.",
  },
};

/** What the server last decided on it was no. */
export const refusedAddress: Rule = ({ facts }) => {
  const last = facts.findLast(
    ({ event }) => event.kind === "dhcp" || (event.kind === "refused" && event.protocol === "dhcp"),
  );
  return last?.event.kind === "refused" ? refusals[last.event.reason] : undefined;
};

/** RFC 2131 §3.1: a REQUEST with the server identifier of another. */
export const tookAnotherOffer: Rule = (seen) => {
  if (seen.mode !== "server" || lastFile(seen) !== undefined) return undefined;
  const last = factsOf(seen.facts, "dhcp").at(-1)?.event;
  if (last?.elsewhere === undefined || last.reply !== undefined) return undefined;
  return {
    cause: `Another DHCP server answered, ${formatIpv4(last.elsewhere)}, and the node took its offer.`,
    advice:
      "Switch the other server off in this network (sidus doctor --listen names all), or let it give the addresses: `dhcp.mode: proxy`.",
    quirk: "other-dhcp-server",
  };
};

/** In proxy mode it must take the other's address, and ours to boot from. */
export const ignoredProxy: Rule = (seen) => {
  if (seen.mode !== "proxy" || lastFile(seen) !== undefined) return undefined;
  const firmware = firmwareDhcp(seen);
  const offered = firmware.some(({ event }) => event.reply === "OFFER");
  const took = firmware.findLast(({ event }) => event.elsewhere !== undefined)?.event.elsewhere;
  const asked = firmware.some(({ event }) => event.reply === "ACK");
  if (!offered || asked || took === undefined || seen.quietMs < FIRMWARE_MS) return undefined;
  return {
    cause: `Its firmware took its address from ${formatIpv4(took)} and ignored what our proxy says to boot; it never asked at port 4011.`,
    advice: `Let ${formatIpv4(took)} name this server and the loader itself (options 66 and 67), use \`dhcp.mode: server\`, or boot from the medium of \`sidus medium\`.`,
    quirk: "proxy-ignored",
  };
};

/** Option 93 has no loader: what it was told has none. */
export const noLoaderForFirmware: Rule = (seen) => {
  if (lastFile(seen) !== undefined) return undefined;
  const told = firmwareDhcp(seen).findLast(({ event }) => event.reply !== undefined)?.event;
  if (told?.architecture === undefined || told.bootFile !== undefined || told.reply === "NAK") {
    return undefined;
  }
  // A Raspberry Pi is told none, and asks for its firmware at once.
  if (seen.quietMs < OWN_NAMES_MS) return undefined;
  return {
    cause: `There is no loader for its firmware, ${architectureName(told.architecture)} (option 93: ${told.architecture}).`,
    advice:
      "Build the tree anew (sidus build puts in all loaders), put one into `boot.overlay`, or switch the firmware to another kind of boot.",
  };
};

/** It has an address and a loader's name, and asked for no file. */
export const loaderNeverAsked: Rule = (seen) => {
  const firmware = firmwareDhcp(seen);
  const leased = firmware.findLast(hasAddress);
  if (leased === undefined || hasGoneOn(seen) || seen.quietMs < FIRMWARE_MS) return undefined;
  const bootFile = firmware.findLast(({ event }) => event.bootFile !== undefined)?.event.bootFile;
  const what = `It took its address and never asked for its loader${bootFile === undefined ? "" : `, ${bootFile}`}.`;
  const relay = relayOf(firmware);
  const port = isHttpBoot(seen.architecture) ? "TCP port 80" : "UDP port 69";
  // From its own disk, which may be what its user wants.
  const own = systemSince(seen) === undefined ? {} : { isStuck: false as const };
  if (relay !== undefined) {
    return {
      cause: `${what} It is heard only through the relay ${formatIpv4(relay)}: what it asks this server itself does not come through.`,
      advice: `Let the router between pass ${port}, UDP port 4011 and the replies from high UDP ports, and give the network its \`router:\`.`,
      ...own,
    };
  }
  return {
    cause: `${what} A firewall drops it, its firmware boots something else, or it takes the loader's name from another DHCP server.`,
    advice: `Open ${port} here and in the network; look for other DHCP servers with sidus doctor --listen; look at its screen.`,
    ...own,
  };
};

/** We offered, and nothing was taken within hearing. */
export const offerNotTaken: Rule = (seen) => {
  const dhcp = factsOf(seen.facts, "dhcp");
  const offered = dhcp.some(({ event }) => event.reply === "OFFER");
  const asked = dhcp.some(({ event }) => event.message === "REQUEST");
  if (!offered || asked || hasGoneOn(seen) || seen.quietMs < FIRMWARE_MS) return undefined;
  if (seen.mode === "proxy") {
    return {
      cause:
        "Our proxy told it what to boot, but no DHCP server of the network gave it an address within hearing.",
      advice:
        "Check the network's own DHCP server: its range, its reservations, whether it answers this VLAN.",
    };
  }
  const relay = relayOf(dhcp);
  return {
    cause: `It asked ${timesText(dhcp)}, and took no offer of ours: the offers do not reach it${relay === undefined ? "" : ` through the relay ${formatIpv4(relay)}`}, or it took another server's.`,
    advice:
      "A switch with DHCP snooping must trust this server's port; spanning tree must not block the node's port (portfast). sidus doctor --listen names other servers.",
  };
};

/** `ip=dhcp` in the initrd, from a MAC address that no firmware used. */
export const kernelOnOtherInterface: Rule = (seen) => {
  const kernel = kernelFile(seen);
  if (kernel === undefined || kernelHasAsked(seen, kernel)) return undefined;
  // Another node's may have been switched on before the server was.
  if (seen.quietMs < KERNEL_MS) return undefined;
  const other = seen
    .strangers()
    .find(({ startedAt }) => startedAt >= kernel.first && startedAt - kernel.last <= KERNEL_MS);
  if (other === undefined) return undefined;
  return {
    cause: `Its firmware fetched the kernel, and then a kernel asked from another MAC address, ${formatMac(other.mac)}: the kernel uses another of its interfaces.`,
    advice:
      "Pass the interface on: the label's kernel needs BOOTIF= (ours have it; a label's own `append` must not set ip= for another device). Or name that MAC address below `nodes:`.",
    quirk: "many-cards",
  };
};

/** The kernel runs, if it does, without the network. */
export const kernelNeverAsked: Rule = (seen) => {
  const kernel = kernelFile(seen);
  if (kernel === undefined || kernelHasAsked(seen, kernel)) return undefined;
  if (kernel.event.outcome !== "done" || seen.quietMs < KERNEL_MS) return undefined;
  return {
    cause: `It fetched its kernel, and in ${timeText(seen.now - kernel.last)} no kernel asked for an address: the initrd has no driver (or no firmware) for its network card, or the kernel stopped.`,
    advice:
      "Look at its screen. Put the card's module into the tree's /etc/initramfs-tools/modules and its firmware package (firmware-linux, firmware-realtek, …) into the tree, then rebuild the initrd with sidus build.",
  };
};

/** A kernel that asked, and got nothing. */
export const kernelNotAnswered: Rule = (seen) => {
  const asked = dhcpOf(seen.facts, "kernel");
  if (asked.length === 0 || asked.some(hasAddress)) return undefined;
  const first = asked[0];
  if (first === undefined || !isOverdue(seen, first)) return undefined;
  const isOurs = asked.some(({ event }) => event.reply !== undefined);
  return {
    cause: isOurs
      ? "Its kernel asks for an address again and again, and takes none of those that we offer."
      : "Its kernel asks for an address, and no DHCP server within hearing gives it one.",
    advice:
      "A switch may block the port for a while after the link comes up (spanning tree: portfast), or a DHCP server not answer what is not firmware.",
  };
};

/** The initrd has an address and does not mount. */
export const mountNeverAsked: Rule = (seen) => {
  const leased = dhcpOf(seen.facts, "kernel").findLast(hasAddress);
  if (leased === undefined || factsOf(seen.facts, "mount").length > 0) return undefined;
  if (seen.quietMs < MOUNT_MS || seen.isPresent) return undefined;
  const asked = factsOf(seen.facts, "portmap").some(({ first }) => first >= leased.first);
  return asked
    ? {
        cause:
          "Its kernel asked the portmapper where NFS is, and then never asked to mount: it does not reach NFS' port.",
        advice: "Open TCP port 2049 here and in the network.",
      }
    : {
        cause:
          "Its kernel has an address and never asked to mount its root: the portmapper is not reached, or the initrd has no NFS client.",
        advice:
          "Open TCP ports 111 and 2049 here and in the network. In the tree, nfs-common must be installed when the initrd is built (sidus build does).",
        quirk: "nfsmount-wants-portmapper",
      };
};

/** Nothing but an operating system was heard. */
export const onlyAnOperatingSystem: Rule = (seen) => {
  const dhcp = factsOf(seen.facts, "dhcp");
  const isOther = dhcp.length > 0 && dhcp.every(({ event }) => event.client === "other");
  if (!isOther || hasGoneOn(seen)) return undefined;
  return {
    cause: "An operating system asked for an address; no firmware did. It does not netboot.",
    advice:
      "If it should: network boot (PXE) first in its firmware's boot order, on this interface.",
    isStuck: false,
  };
};

/** After the loader, or a kernel of its own label: the local disk, an installer. */
export const startedAnother: Rule = (seen) => {
  if (systemSince(seen) === undefined) return undefined;
  return {
    cause:
      kernelFile(seen) === undefined
        ? "Its firmware or loader went on to an operating system of its own, which asked for an address: the local disk, most likely."
        : "The kernel that it fetched asked for an address as no initrd of ours does: an installer, or another system.",
    advice: "If it should boot a tree: see which label it has (sidus nodes list).",
    isStuck: false,
  };
};

/** `dhcp.mode: off`, or a client that a proxy does not answer. */
export const notAnswered: Rule = (seen) => {
  const firmware = firmwareDhcp(seen);
  const isAnswered = factsOf(seen.facts, "dhcp").some(
    ({ event }) => event.reply !== undefined || event.elsewhere !== undefined,
  );
  if (firmware.length === 0 || isAnswered || hasGoneOn(seen)) return undefined;
  if (!isOverdue(seen, seen.last)) return undefined;
  return {
    cause: "It asked for an address, and nobody within hearing answered.",
    advice: "Read the server's log; see `dhcp.mode` in the configuration.",
  };
};

/** Asked again and again, or given up. */
function isOverdue({ now, quietMs }: Seen, { first }: Fact): boolean {
  return quietMs >= FIRMWARE_MS || now - first >= FIRMWARE_MS;
}

function firmwareDhcp({ facts }: Seen): FactOf<"dhcp">[] {
  return dhcpOf(facts, "pxe", "ipxe");
}

/** An operating system that has an address, where nothing spoke DHCP after it. */
function systemSince({ facts }: Seen): FactOf<"dhcp"> | undefined {
  const last = factsOf(facts, "dhcp").at(-1);
  return last?.event.client === "other" && hasAddress(last) ? last : undefined;
}

function kernelHasAsked({ facts }: Seen, kernel: Fact): boolean {
  return facts.some(
    ({ event, last }) =>
      last >= kernel.first &&
      ((event.kind === "dhcp" && !["pxe", "ipxe"].includes(event.client)) ||
        ["mount", "portmap", "session", "up"].includes(event.kind)),
  );
}

function hasGoneOn({ facts, isPresent }: Seen): boolean {
  return isPresent || facts.some(({ event }) => !["dhcp", "refused"].includes(event.kind));
}

function relayOf(dhcp: readonly FactOf<"dhcp">[]): Ipv4 | undefined {
  return dhcp.findLast(({ event }) => event.relay !== undefined)?.event.relay;
}

function timesText(dhcp: readonly FactOf<"dhcp">[]): string {
  const times = dhcp.reduce((sum, fact) => sum + fact.times, 0);
  return times === 1 ? "once" : `${times} times`;
}
