import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Namespace } from "../../test/namespace.ts";
import { pidOf, runUntilEnd } from "../processes.ts";

/** The servers that are compared: one at a time, in a private network of its own each, with leases below `directory`. */

export interface DhcpBenchServer {
  readonly name: string;
  readonly pid: number;
}

export interface Place {
  readonly namespace: Namespace;
  readonly interfaceName: string;
  readonly directory: string;
}

export const SERVER = "10.90.0.1";
const NETWORK = "10.90.0.0/16";
/** 64,000 addresses: no round uses them up. */
const RANGE = "10.90.1.0-10.90.250.255";
const LEASE_SECONDS = 3600;

export async function startSidus(
  { namespace, directory }: Place,
  cleanup: AsyncDisposableStack,
): Promise<DhcpBenchServer> {
  const program = fileURLToPath(new URL("ours.ts", import.meta.url));
  const args = [program, SERVER, NETWORK, RANGE, join(directory, "sidus")];
  const child = runUntilEnd(namespace, process.execPath, args, cleanup);
  await listening(namespace);
  return { name: "sidus", pid: pidOf(child) };
}

export async function startKea(
  place: Place,
  cleanup: AsyncDisposableStack,
): Promise<DhcpBenchServer> {
  const pid = runKea(place, { subnet: NETWORK, pools: [{ pool: RANGE }] }, cleanup);
  await listening(place.namespace);
  return { name: "kea", pid };
}

/**
 * As it comes, but for UDP sockets, which cost it less than raw ones where a relay asks. Leases are kept in a file. `subnet`:
 * its only one, as in `subnet4`.
 */
export function runKea(
  { namespace, interfaceName, directory }: Place,
  subnet: object,
  cleanup: AsyncDisposableStack,
): number {
  const own = join(directory, "kea");
  mkdirSync(own, { recursive: true });
  const config = {
    "interfaces-config": { interfaces: [interfaceName], "dhcp-socket-type": "udp" },
    "lease-database": { type: "memfile", persist: true, name: join(own, "leases.csv") },
    "valid-lifetime": LEASE_SECONDS,
    subnet4: [subnet],
    loggers: [
      {
        name: "kea-dhcp4",
        severity: "ERROR",
        output_options: [{ output: join(own, "log") }],
      },
    ],
  };
  const file = join(own, "kea.json");
  writeFileSync(file, JSON.stringify({ Dhcp4: config }));
  // Where it is installed, AppArmor lets it read its own directories only.
  const program = join(own, "kea-dhcp4");
  copyFileSync("/usr/sbin/kea-dhcp4", program);
  const where = [`KEA_PIDFILE_DIR=${own}`, `KEA_LOCKFILE_DIR=${own}`];
  return pidOf(runUntilEnd(namespace, "env", [...where, program, "-c", file], cleanup));
}

async function listening(namespace: Namespace): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (namespace.run("ss", "-Hlun", "sport = 67").includes(`${SERVER}:67`)) return;
    await setTimeout(50);
  }
  throw new Error("no DHCP server listens");
}
