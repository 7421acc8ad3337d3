import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Namespace } from "../../test/namespace.ts";
import { startGanesha } from "../nfs/servers.ts";
import { pidOf, runUntilEnd } from "../processes.ts";

/** The servers that sidus is compared with in storms, in the network of src/storm/room/network.ts, on the same tree. */

export const SERVER = "10.13.0.1";
export const RELAY = "10.13.1.1";
export const NODES = "10.13.128.0/17";

export interface Peers {
  readonly pids: readonly number[];
  /** Of `sidus storm`. */
  readonly flags: readonly string[];
}

/** A card of the server's, and all nodes' addresses on loopback. */
export function makeNetwork({ run }: Pick<Namespace, "run">): void {
  run("ip", "link", "add", "room1", "type", "veth", "peer", "name", "room0");
  run("ip", "addr", "add", `${SERVER}/16`, "brd", "+", "dev", "room0");
  for (const side of ["room0", "room1"]) run("ip", "link", "set", side, "up");
  run("ip", "addr", "add", `${RELAY}/32`, "dev", "lo");
  run("ip", "route", "add", "local", NODES, "dev", "lo");
}

/** dnsmasq: addresses, and by TFTP iPXE's script, kernel and initrd; nfs-ganesha: the root. */
export async function startPeers(
  namespace: Namespace,
  tree: string,
  work: string,
  cleanup: AsyncDisposableStack,
): Promise<Peers> {
  const files = join(work, "tftp");
  mkdirSync(files, { recursive: true });
  const boot = readdirSync(join(tree, "boot"));
  for (const name of ["vmlinuz", "initrd"] as const) {
    const file = boot.find((candidate) => candidate.startsWith(name));
    if (file === undefined) throw new Error(`${tree} has no ${name}`);
    symlinkSync(join(tree, "boot", file), join(files, name));
  }
  writeFileSync(
    join(files, "boot.ipxe"),
    `#!ipxe
kernel vmlinuz initrd=initrd root=/dev/nfs nfsroot=${SERVER}:${tree},tcp,rsize=131072 ip=dhcp ro aufs=tmpfs
initrd initrd
boot
`,
  );
  const dnsmasq = runUntilEnd(namespace, "dnsmasq", dnsmasqFlags(files, work), cleanup);
  while (!namespace.run("ss", "-Hlun", "sport = 69").includes(":69")) await setTimeout(50);
  const ganesha = await startGanesha(namespace, tree, join(work, "ganesha"), cleanup);
  const pids = [pidOf(dnsmasq), ganesha.pid];
  return {
    pids,
    flags: [
      ...["--dhcp", SERVER, "--tftp", SERVER, "--nfs", SERVER, "--addresses", NODES],
      ...["--relay", RELAY, "--server-pid", pids.join(",")],
    ],
  };
}

function dnsmasqFlags(files: string, work: string): string[] {
  return [
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file"],
    ...["--log-facility=/dev/null", "--quiet-dhcp", "--quiet-tftp", "--interface=room0"],
    ...["--bind-interfaces", "--dhcp-range=10.13.128.1,10.13.255.254,255.255.0.0,1h"],
    ...["--dhcp-lease-max=10000", "--dhcp-authoritative", "--dhcp-boot=boot.ipxe", "--no-ping"],
    ...[`--dhcp-leasefile=${join(work, "leases")}`],
    ...["--enable-tftp", `--tftp-root=${files}`, "--tftp-max=5000"],
  ];
}
