import { formatIpv4 } from "../bytes/ipv4.ts";
import { architectureName } from "./architecture.ts";
import type { BootEvent, DhcpClient } from "./events.ts";

const clients: Record<DhcpClient, string> = {
  pxe: "firmware",
  ipxe: "iPXE",
  kernel: "the kernel",
  other: "an operating system",
};

/** What was seen, for people: `DHCP REQUEST of firmware (BIOS): ACK 10.0.0.11`. */
export function describe(event: BootEvent): string {
  switch (event.kind) {
    case "dhcp":
      return dhcpText(event);
    case "file":
      return `${event.protocol.toUpperCase()} ${event.path}: ${fileOutcome(event)}`;
    case "mount":
      return `mount ${event.path}: ${event.outcome}`;
    case "portmap":
      return `portmapper asked for program ${event.program}: ${event.port === 0 ? "not here" : `port ${event.port}`}`;
    case "session":
      return `iSCSI session with ${event.target}: ${event.outcome}`;
    case "up":
      return `up, runs ${event.tree}${event.digest === undefined ? "" : `, version ${shortDigest(event.digest)}`}`;
    case "refused":
      return `${event.protocol} refused: ${event.reason}${event.path === undefined ? "" : ` ${event.path}`}`;
  }
}

function dhcpText(event: Extract<BootEvent, { kind: "dhcp" }>): string {
  const { client, message, reply, address, architecture, elsewhere, bootFile, relay } = event;
  const of = architecture === undefined ? "" : ` (${architectureName(architecture)})`;
  const from = relay === undefined ? "" : ` through the relay ${formatIpv4(relay)}`;
  const who = `DHCP ${message} of ${clients[client]}${of}${from}`;
  const about = address === undefined ? "" : ` ${formatIpv4(address)}`;
  const file = bootFile === undefined ? "" : `, to fetch ${bootFile}`;
  if (reply !== undefined) return `${who}: ${reply}${about}${file}`;
  if (elsewhere !== undefined) return `${who}${about}: takes the offer of ${formatIpv4(elsewhere)}`;
  return `${who}${about}: no answer of ours`;
}

function fileOutcome({ outcome, bytes }: Extract<BootEvent, { kind: "file" }>): string {
  switch (outcome) {
    case "started":
      return "under way";
    case "done":
      return `sent, ${sizeText(bytes)}`;
    case "aborted":
      return `broken off after ${sizeText(bytes)}`;
    case "missing":
      return "not there";
  }
}

/** As many digits of a version's digest as people are shown. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** `42 KiB`. */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1 << 20
    ? `${Math.round(bytes / 1024)} KiB`
    : `${(bytes / (1 << 20)).toFixed(1)} MiB`;
}

/** `40 s`, `3 min`, `2 h`. */
export function timeText(ms: number): string {
  const seconds = Math.round(ms / 1000);
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}
