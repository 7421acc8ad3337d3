import { execFileSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { type Cidr, cidrOf, formatIpv4, type Ipv4, parseIpv4 } from "../bytes/ipv4.ts";

/** One IPv4 address of this machine. */
export interface InterfaceAddress {
  readonly name: string;
  readonly address: Ipv4;
  readonly subnet: Cidr;
}

/**
 * All of them, also of interfaces whose link is down just now: a server may start before its switch. Node leaves those
 * out, so that ip(8) is asked, and Node only where there is none.
 */
export function interfaceAddresses(): InterfaceAddress[] {
  return fromIp() ?? fromNode();
}

interface IpLink {
  readonly ifname: string;
  readonly addr_info: readonly { readonly local: string; readonly prefixlen: number }[];
}

function fromIp(): InterfaceAddress[] | undefined {
  let links: readonly IpLink[];
  try {
    const args = ["-json", "-4", "address", "show"];
    links = JSON.parse(execFileSync("ip", args, { encoding: "utf8", stdio: "pipe" }));
  } catch {
    return undefined;
  }
  return links.flatMap((link) =>
    link.addr_info.flatMap((info) => found(link.ifname, info.local, info.prefixlen)),
  );
}

function fromNode(): InterfaceAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses
      .filter((entry) => entry.family === "IPv4")
      .flatMap((entry) => found(name, entry.address, Number(entry.cidr?.split("/")[1] ?? 32))),
  );
}

function found(name: string, text: string, prefix: number): InterfaceAddress[] {
  const address = parseIpv4(text);
  return address === undefined ? [] : [{ name, address, subnet: cidrOf(address, prefix) }];
}

/** `eth1 10.13.20.1`, for messages that list what there is. */
export function formatInterface({ name, address }: InterfaceAddress): string {
  return `${name} ${formatIpv4(address)}`;
}
