import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { flagsFor, SERVER, type StormNetwork } from "../../test/storm-room.ts";
import { startGanesha } from "../nfs/servers.ts";
import { pidOf, runUntilEnd } from "../processes.ts";

/** The servers that sidus is compared with in storms, in the network of src/storm/room/network.ts, on the same tree. */

/** dnsmasq: addresses, and by TFTP iPXE's script, kernel and initrd; nfs-ganesha: the root. */
export async function startPeers(
  { servers: namespace }: StormNetwork,
  tree: string,
  work: string,
  cleanup: AsyncDisposableStack,
): Promise<readonly string[]> {
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
  return flagsFor([pidOf(dnsmasq), ganesha.pid]);
}

function dnsmasqFlags(files: string, work: string): string[] {
  return [
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file"],
    ...["--log-facility=/dev/null", "--quiet-dhcp", "--quiet-tftp"],
    ...["--dhcp-range=10.13.128.1,10.13.255.254,255.255.0.0,1h"],
    ...["--dhcp-lease-max=10000", "--dhcp-authoritative", "--dhcp-boot=boot.ipxe", "--no-ping"],
    ...[`--dhcp-leasefile=${join(work, "leases")}`],
    ...["--enable-tftp", `--tftp-root=${files}`, "--tftp-max=5000"],
  ];
}
