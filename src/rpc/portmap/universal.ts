import { formatIpv4, type Ipv4, parseIpv4 } from "../../bytes/ipv4.ts";

/** Universal addresses (RFC 5665 §5.2.3.3): `10.13.20.1.8.1` is port 8 * 256 + 1 at 10.13.20.1. */

export function formatUniversal(address: Ipv4, port: number): string {
  return `${formatIpv4(address)}.${port >> 8}.${port & 255}`;
}

/** The address in one; undefined where the text is none. */
export function addressIn(universal: string): Ipv4 | undefined {
  const parts = /^(\d{1,3}(?:\.\d{1,3}){3})\.(\d{1,3})\.(\d{1,3})$/.exec(universal);
  const isPort = Number(parts?.[2]) <= 255 && Number(parts?.[3]) <= 255;
  return isPort ? parseIpv4(parts?.[1] ?? "") : undefined;
}
