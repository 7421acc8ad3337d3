import { formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import { formatMac, type MacAddress, parseMac } from "../../bytes/mac.ts";
import type { NodeConfig } from "../../config/config.ts";
import { HOST_NAME_BYTES_MAX } from "../../limits.ts";
import type { WrittenEntry } from "./edit.ts";

/** A node as another DHCP server's file names it. */
export interface Host {
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly mac: MacAddress;
  readonly name: string | undefined;
  readonly address: Ipv4 | undefined;
}

/** What of a file is not taken on, and why. */
export interface Note {
  readonly line: number;
  readonly text: string;
  /** A whole node is left out, not a detail of one. */
  readonly isLost: boolean;
}

export interface Imported {
  readonly hosts: readonly Host[];
  readonly notes: readonly Note[];
}

export function leftOut(line: number, what: string): Note {
  return { line, text: `left out: ${what}`, isLost: false };
}

export function lost(line: number, text: string): Note {
  return { line, text: `${text}; not imported`, isLost: true };
}

/** A comment in the place of a node that another server has no way to name; both kinds of file know `#`. */
export function commentFor({ uuid, serial, name }: NodeConfig): string {
  const known = uuid === undefined ? `serial number ${serial}` : `UUID ${uuid}`;
  return `# ${name ?? "a node"}: is known by its ${known}, not by a MAC address`;
}

export function entryOf({ mac, name, address }: Omit<Host, "line">): WrittenEntry {
  return {
    mac: formatMac(mac),
    ...(name === undefined ? {} : { name }),
    ...(address === undefined ? {} : { ip: formatIpv4(address) }),
  };
}

/** Bytes of one digit, too, which both servers take: `8:0:2b:4c:29:32`. */
export function macIn(text: string): MacAddress | undefined {
  return parseMac(text.replaceAll(/(?<![0-9a-f])[0-9a-f](?![0-9a-f])/gi, "0$&"));
}

/** RFC 952, RFC 1123 §2.1: a label. Of a name with its domain, that is the first one. */
export function hostNameIn(text: string): string | undefined {
  const [label = ""] = text.split(".");
  const isName = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/i.test(label);
  return isName && label.length <= HOST_NAME_BYTES_MAX ? label : undefined;
}
