import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Namespace } from "../../test/namespace.ts";
import { SERVER } from "./servers.ts";

/** What perfdhcp saw of one server in one round. */
export interface DhcpLoadResult {
  /** Four-way exchanges a second that were completed. */
  readonly rate: number;
  /** Of the DISCOVERs and REQUESTs, how many were not answered within a second. */
  readonly dropped: number;
  /** Of the server's processor time, for each exchange, microseconds. */
  readonly cpuUs: number;
  readonly delayMs: number;
}

export interface DhcpLoad {
  /** Exchanges begun a second. */
  readonly rate: number;
  readonly seconds: number;
  /** No client comes twice in a round; those of another round have other addresses. */
  readonly seed: number;
}

/** Ticks of a processor a second: what /proc counts in. */
const TICKS = 100;
const CLIENTS = 60_000;

/** Kea's perfdhcp, as a relay. */
export function perfdhcp(
  namespace: Namespace,
  interfaceName: string,
  pid: number,
  { rate, seconds, seed }: DhcpLoad,
): DhcpLoadResult {
  const [program = "", ...enter] = namespace.enter;
  const flags = ["-4", "-l", interfaceName, "-R", String(CLIENTS), "-s", String(seed)];
  const load = ["-r", String(rate), "-p", String(seconds), SERVER];
  const before = ticksOf(pid);
  // Its exit status says that something was dropped.
  const { stdout } = spawnSync(program, [...enter, "perfdhcp", ...flags, ...load], {
    encoding: "utf8",
  });
  const spent = (ticksOf(pid) - before) / TICKS;
  const [sent = Number.NaN] = numbers(stdout, /sent packets: (\d+)/g);
  const drops = numbers(stdout, /drops: (\d+)/g);
  const [perSecond = Number.NaN] = numbers(stdout, /Rate: ([\d.]+) 4-way/g);
  const delays = numbers(stdout, /avg delay: ([\d.]+) ms/g);
  const lost = drops.reduce((sum, count) => sum + count, 0);
  return {
    rate: perSecond,
    dropped: lost / sent,
    cpuUs: (spent * 1e6) / (sent - lost),
    delayMs: delays.reduce((sum, delay) => sum + delay, 0),
  };
}

function numbers(text: string, pattern: RegExp): number[] {
  return [...text.matchAll(pattern)].map(([, number]) => Number(number));
}

/** User and system time, with all threads (proc_pid_stat(5)). */
function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
