import { formatIpv4 } from "../../bytes/ipv4.ts";
import { formatMac } from "../../bytes/mac.ts";
import { Option } from "../../dhcp/options.ts";
import { findOption } from "../../dhcp/packet.ts";
import type { TraceAbout, TraceFile } from "../trace/trace.ts";
import type { Boot } from "./boots.ts";
import type { Event } from "./event.ts";

/** `beganAt`: of the capture, µs since 1970. */
export function aboutOf(
  boot: Boot,
  beganAt: number,
  events: readonly Event[],
  files: readonly TraceFile[],
  title: string | undefined,
): TraceAbout {
  const [first] = boot.exchanges;
  // RFC 4578 §2.1: 0 is an x86 BIOS, all others are kinds of UEFI; what is not named is no UEFI.
  const architecture = first && findOption(first.discover.packet, Option.ARCHITECTURE);
  const isUefi = architecture?.some((byte) => byte !== 0) === true;
  const layer = layerOf(events);
  return {
    title: title ?? `${isUefi ? "UEFI" : "BIOS"}, ${layer === "none" ? "no root" : layer}`,
    firmware: isUefi ? "uefi" : "bios",
    layer,
    recordedAt: new Date((beganAt + boot.beganAt) / 1000).toISOString(),
    kernel: kernelOf(events, files),
    mac: formatMac(boot.discover.mac),
    address: formatIpv4(boot.exchanges.at(-1)?.ack.yiaddr ?? boot.discover.packet.yiaddr),
  };
}

function layerOf(events: readonly Event[]): TraceAbout["layer"] {
  if (events.some(({ deed }) => deed.kind === "login")) return "iscsi";
  return events.some(({ deed }) => deed.kind === "nfs") ? "tmpfs" : "none";
}

/** Debian and Red Hat have the release in the kernel's name; modules are below it everywhere. */
function kernelOf(events: readonly Event[], files: readonly TraceFile[]): string {
  for (const { deed } of events) {
    if ((deed.kind !== "tftp" && deed.kind !== "http") || deed.role !== "kernel") continue;
    const [, release] = /vmlinuz-(\d[^/]*)$/.exec(deed.path) ?? [];
    if (release !== undefined) return release;
  }
  for (const { path } of files) {
    const [, release] = /(?:^|\/)lib\/modules\/(\d[^/]*)/.exec(path) ?? [];
    if (release !== undefined) return release;
  }
  return "";
}
