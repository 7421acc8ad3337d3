import type { NodeFacts } from "../../src/boot/facts.ts";
import { type Ipv4, parseIpv4 } from "../../src/bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../../src/bytes/mac.ts";

export function ip(text: string): Ipv4 {
  const parsed = parseIpv4(text);
  if (parsed === undefined) throw new Error(`${text} is no address`);
  return parsed;
}

export function mac(text: string): MacAddress {
  const parsed = parseMac(text);
  if (parsed === undefined) throw new Error(`${text} is no MAC address`);
  return parsed;
}

type Change = Partial<Omit<NodeFacts, "mac">> & { readonly mac?: string };

/** What DHCP makes of firmware of this architecture. */
export function firmware(architecture: number | undefined, change: Change = {}): NodeFacts {
  return {
    uuid: undefined,
    serial: undefined,
    address: undefined,
    architecture,
    isIpxe: false,
    isHttpClient: false,
    ...change,
    mac: mac(change.mac ?? "52:54:00:77:00:01"),
  };
}
