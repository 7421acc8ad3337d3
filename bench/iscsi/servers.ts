import { existsSync } from "node:fs";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Namespace } from "../../test/namespace.ts";
import { listening, pidOf, runUntilEnd } from "../processes.ts";
import type { IscsiServer } from "./load.ts";

/** The servers that are compared, in one private network, each on a file of its own. */

export interface Served {
  readonly namespace: Namespace;
  readonly file: string;
  readonly bytes: number;
}

export const ADDRESS = "10.13.20.1";
const TARGET = "iqn.2026-01.test.sidus:disk";
const program = fileURLToPath(new URL("ours.ts", import.meta.url));

export async function startSidus(
  { namespace, file, bytes }: Served,
  cleanup: AsyncDisposableStack,
  flags: readonly string[] = [],
): Promise<IscsiServer> {
  const port = 3261;
  const args = [...flags, program, ADDRESS, String(port), TARGET, file];
  const child = runUntilEnd(namespace, process.execPath, args, cleanup);
  await listening(namespace, port, child);
  const pid = pidOf(child);
  return { name: "sidus", address: ADDRESS, port, target: TARGET, lun: 0, file, bytes, pid };
}

/** As it comes: backing store `rdwr` with 16 threads, write cache on. */
export async function startTgt(
  { namespace, file, bytes }: Served,
  cleanup: AsyncDisposableStack,
): Promise<IscsiServer> {
  const port = 3260;
  const portal = `portal=${ADDRESS}:${port}`;
  // Its control socket is below /run, which is its alone.
  const prepare = "mount -t tmpfs tmpfs /run && mkdir /run/tgtd && exec tgtd --foreground";
  const args = ["--mount", "sh", "-c", `${prepare} --iscsi ${portal} 2>/dev/null`];
  const child = runUntilEnd(namespace, "unshare", args, cleanup);
  await listening(namespace, port, child);
  const pid = pidOf(child);
  const admin = (...flags: string[]): string => {
    const inside = ["--target", String(pid), "--mount", "--", "tgtadm", "--lld", "iscsi"];
    return namespace.run("nsenter", ...inside, "--tid", "1", ...flags);
  };
  const make = ["--op", "new", "--mode"];
  while (!existsSync(`/proc/${pid}/root/run/tgtd/socket.0`)) await setTimeout(50);
  admin(...make, "target", "--targetname", TARGET);
  admin(...make, "logicalunit", "--lun", "1", "--backing-store", file);
  admin("--op", "bind", "--mode", "target", "--initiator-address", "ALL");
  return { name: "tgt", address: ADDRESS, port, target: TARGET, lun: 1, file, bytes, pid };
}
