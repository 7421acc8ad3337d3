/** An IPv4 address as an unsigned 32-bit number. */
export type Ipv4 = number & { readonly brand: "Ipv4" };

export const ANY_ADDRESS = 0 as Ipv4;
export const BROADCAST_ADDRESS = 0xffff_ffff as Ipv4;
export const LOOPBACK_ADDRESS = 0x7f00_0001 as Ipv4;

export function parseIpv4(text: string): Ipv4 | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text)?.slice(1);
  if (parts === undefined) return undefined;
  let value = 0;
  for (const part of parts) {
    const octet = Number(part);
    if (octet > 255) return undefined;
    value = value * 256 + octet;
  }
  return value as Ipv4;
}

export function ipv4(value: number): Ipv4 {
  return (value >>> 0) as Ipv4;
}

export function formatIpv4(address: Ipv4): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}

/** A network: `network` has no bits set beyond `prefix`. */
export interface Cidr {
  readonly network: Ipv4;
  readonly prefix: number;
}

/** Reads `10.13.20.0/24`, or one address as a /32. Bits beyond the prefix are refused, not dropped. */
export function parseCidr(text: string): Cidr | undefined {
  const [addressText = "", prefixText = "32", ...rest] = text.split("/");
  const address = parseIpv4(addressText);
  if (address === undefined || rest.length > 0 || !/^\d{1,2}$/.test(prefixText)) return undefined;
  const prefix = Number(prefixText);
  if (prefix > 32) return undefined;
  const network = ipv4(address & netmask(prefix));
  return network === address ? { network, prefix } : undefined;
}

export function cidrOf(address: Ipv4, prefix: number): Cidr {
  return { network: ipv4(address & netmask(prefix)), prefix };
}

export function netmask(prefix: number): Ipv4 {
  return ipv4(prefix === 0 ? 0 : 0xffff_ffff << (32 - prefix));
}

export function broadcastOf(cidr: Cidr): Ipv4 {
  return ipv4(cidr.network | ~netmask(cidr.prefix));
}

export function contains(cidr: Cidr, address: Ipv4): boolean {
  return ipv4(address & netmask(cidr.prefix)) === cidr.network;
}

export function formatCidr(cidr: Cidr): string {
  return `${formatIpv4(cidr.network)}/${cidr.prefix}`;
}

/** Addresses from `first` to `last`, both included. */
export interface Ipv4Range {
  readonly first: Ipv4;
  readonly last: Ipv4;
}

/** Reads `10.0.0.50-10.0.0.99`. */
export function parseIpv4Range(text: string): Ipv4Range | undefined {
  const [firstText = "", lastText = "", ...rest] = text.split("-");
  const first = parseIpv4(firstText.trim());
  const last = parseIpv4(lastText.trim());
  if (first === undefined || last === undefined || rest.length > 0 || last < first)
    return undefined;
  return { first, last };
}

export function rangeContains(range: Ipv4Range, address: Ipv4): boolean {
  return address >= range.first && address <= range.last;
}

export function formatIpv4Range(range: Ipv4Range): string {
  return `${formatIpv4(range.first)}-${formatIpv4(range.last)}`;
}
