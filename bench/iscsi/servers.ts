import { existsSync, writeFileSync } from "node:fs";
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

export async function startTgt(
  { namespace, file, bytes }: Served,
  cleanup: AsyncDisposableStack,
): Promise<IscsiServer> {
  const port = 3260;
  const tgt = await runTgt(namespace, { address: ADDRESS, port }, cleanup);
  tgt.serve([{ target: TARGET, file }]);
  const { pid } = tgt;
  return { name: "tgt", address: ADDRESS, port, target: TARGET, lun: 1, file, bytes, pid };
}

export interface Tgt {
  readonly pid: number;
  /** A target for each file, its only disk; any initiator may use it. Once. */
  serve(disks: readonly { readonly target: string; readonly file: string }[]): void;
}

/** As it comes: backing store `rdwr` with 16 threads a disk, write cache on. */
export async function runTgt(
  namespace: Namespace,
  { address, port }: { readonly address: string; readonly port: number },
  cleanup: AsyncDisposableStack,
): Promise<Tgt> {
  // Its control socket is below /run, which is its alone.
  const prepare = "mount -t tmpfs tmpfs /run && mkdir /run/tgtd && exec tgtd --foreground";
  const portal = `portal=${address}:${port}`;
  const args = ["--mount", "sh", "-c", `${prepare} --iscsi ${portal} 2>/dev/null`];
  const child = runUntilEnd(namespace, "unshare", args, cleanup);
  await listening(namespace, port, child);
  const pid = pidOf(child);
  while (!existsSync(`/proc/${pid}/root/run/tgtd/socket.0`)) await setTimeout(50);
  return {
    pid,
    serve(disks) {
      // One shell for all of them; it is read through /proc, where that /run is.
      writeFileSync(`/proc/${pid}/root/run/tgtd/disks`, disks.map(commandsFor).join(""));
      const inside = ["--target", String(pid), "--mount", "--"];
      namespace.run("nsenter", ...inside, "sh", "-e", "/run/tgtd/disks");
    },
  };
}

function commandsFor({ target, file }: Parameters<Tgt["serve"]>[0][number], index: number): string {
  const admin = `tgtadm --lld iscsi --tid ${index + 1} --op`;
  return `${admin} new --mode target --targetname ${target}
${admin} new --mode logicalunit --lun 1 --backing-store '${file}'
${admin} bind --mode target --initiator-address ALL
`;
}
