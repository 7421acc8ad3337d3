import { formatIpv4, type Ipv4 } from "../../bytes/ipv4.ts";
import { formatMac, type MacAddress } from "../../bytes/mac.ts";

/**
 * Paths that a node makes of what it is, as templates that fit every node:
 *
 *   {mac}       52-54-00-13-20-01      {ip}        10.13.20.11
 *   {mac:}      52:54:00:13:20:01      {IP-HEX}    0A0D140B
 *   {uuid}      as option 97 says      {IP-HEX:7}  0A0D140, as PXELINUX asks with ever fewer digits
 */
export interface BootIdentity {
  readonly mac: MacAddress;
  /** More than one where the node was given different ones, loader and kernel. */
  readonly addresses: readonly Ipv4[];
  /** 16 bytes, in the order of option 97 (RFC 4578 §2.3). */
  readonly uuid: Uint8Array | undefined;
}

export function bootTemplateOf(path: string, identity: BootIdentity): string {
  const { mac, uuid, addresses } = identity;
  let template = replaced(path, formatMac(mac, "-"), "{mac}");
  template = replaced(template, formatMac(mac), "{mac:}");
  if (uuid !== undefined) template = replaced(template, formatUuid(uuid), "{uuid}");
  for (const address of addresses) {
    template = replaced(template, formatIpv4(address), "{ip}");
    template = replaced(template, hexOf(address), "{IP-HEX}");
    template = shortened(template, hexOf(address));
  }
  return template;
}

export function expandBootPath(template: string, identity: BootIdentity): string {
  const { mac, uuid } = identity;
  const [address] = identity.addresses;
  return template.replaceAll(
    /\{(mac|mac:|uuid|ip|IP-HEX)(?::([1-7]))?\}/g,
    (whole, name, digits) => {
      if (name === "mac") return formatMac(mac, "-");
      if (name === "mac:") return formatMac(mac);
      if (name === "uuid") return uuid === undefined ? whole : formatUuid(uuid);
      if (address === undefined) return whole;
      return name === "ip" ? formatIpv4(address) : hexOf(address).slice(0, Number(digits ?? 8));
    },
  );
}

/** In either case, but whole: `10.0.0.1` is no part of `10.0.0.11`. */
function replaced(path: string, value: string, template: string): string {
  const whole = new RegExp(`(?<![0-9a-f.])${RegExp.escape(value)}(?![0-9a-f]|\\.\\d)`, "gi");
  return path.replaceAll(whole, template);
}

/** syslinux.org, PXELINUX: `pxelinux.cfg/0A0D140B`, then without the last digit, and so on. */
function shortened(path: string, hex: string): string {
  const [, folder, digits] = /^(.*pxelinux\.cfg\/)([0-9A-F]{1,7})$/.exec(path) ?? [];
  if (folder === undefined || digits === undefined || !hex.startsWith(digits)) return path;
  return `${folder}{IP-HEX:${digits.length}}`;
}

function hexOf(address: Ipv4): string {
  return address.toString(16).padStart(8, "0").toUpperCase();
}

/** As PXELINUX and iPXE write it: the bytes in their order. */
export function formatUuid(uuid: Uint8Array): string {
  const hex = Buffer.from(uuid).toString("hex");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
