import { readFileSync } from "node:fs";
import { formatIpv4, type Ipv4 } from "../bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../bytes/mac.ts";
import type { Clock } from "./clock.ts";

const ETHERNET = 0x1;
/** ATF_COM: the address was answered for. */
const COMPLETE = 0x2;

/** To read the kernel's table costs as much as some answers: it is as old as this at most. */
const READ_EVERY_MS = 100;

/** Who is at an address of a network of ours, by the kernel's table (/proc/net/arp); also from a while ago. */
export function recentNeighbours(
  clock: Pick<Clock, "now">,
): (address: Ipv4) => MacAddress | undefined {
  let readAt = Number.NEGATIVE_INFINITY;
  let table = "";
  return (address) => {
    const now = clock.now();
    if (now - readAt >= READ_EVERY_MS) {
      readAt = now;
      table = readFileSync("/proc/net/arp", "latin1");
    }
    return neighbourIn(table, address);
  };
}

/** A line each: `10.0.0.9   0x1   0x2   52:54:00:00:00:09   *   eth0`: address, hardware type, flags, MAC address. */
export function neighbourIn(table: string, address: Ipv4): MacAddress | undefined {
  const start = table.indexOf(`\n${formatIpv4(address)} `);
  if (start < 0) return undefined;
  const [, type, flags, mac = ""] = table.slice(start + 1, start + 120).split(/\s+/);
  const isAnswered = Number(type) === ETHERNET && (Number(flags) & COMPLETE) !== 0;
  return isAnswered ? parseMac(mac) : undefined;
}
