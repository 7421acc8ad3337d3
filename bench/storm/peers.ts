import {
  existsSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { identityOf } from "../../src/storm/identity.ts";
import { flagsFor, SERVER, type StormNetwork } from "../../test/storm-room.ts";
import { runKea } from "../dhcp/servers.ts";
import { runTgt } from "../iscsi/servers.ts";
import { startGanesha } from "../nfs/servers.ts";
import { pidOf, runUntilEnd } from "../processes.ts";

/** The servers that sidus is compared with in storms, in the network of test/storm-room.ts, on the same tree. */

/** What nodes are to find, and where servers put what they write. */
export interface Room {
  readonly tree: string;
  readonly work: string;
  readonly layer: "tmpfs" | "iscsi";
  readonly nodes: number;
}

const BOOT_FILE = "boot.ipxe";
const FIRST = "10.13.128.1";
const LAST = "10.13.255.254";
const IQN = "iqn.2026-01.test.sidus";
/** As large as sidus makes them; with holes. */
const VOLUME_BYTES = 8 * 2 ** 30;

/**
 * Addresses by dnsmasq or kea; iPXE's script, kernel and initrd by dnsmasq's TFTP; the root by nfs-ganesha; a disk for each
 * node by tgt. Answers flags of `sidus storm`.
 */
export async function startPeers(
  { servers: namespace }: StormNetwork,
  { tree, work, layer, nodes }: Room,
  dhcp: "dnsmasq" | "kea",
  cleanup: AsyncDisposableStack,
): Promise<readonly string[]> {
  const files = bootFiles(tree, join(work, "tftp"));
  const addresses = dhcp === "dnsmasq" ? dnsmasqAddresses(work) : [];
  const dnsmasq = runUntilEnd(
    namespace,
    "dnsmasq",
    [...dnsmasqFiles(files), ...addresses],
    cleanup,
  );
  const pids = [pidOf(dnsmasq)];
  if (dhcp === "kea") {
    const pools = [{ pool: `${FIRST}-${LAST}` }];
    const boot = { "next-server": SERVER, "boot-file-name": BOOT_FILE };
    const place = { namespace, interfaceName: "room0", directory: work };
    pids.push(runKea(place, { subnet: "10.13.0.0/16", pools, ...boot }, cleanup));
  }
  for (const port of [67, 69]) {
    while (!namespace.run("ss", "-Hlun", `sport = ${port}`).includes(`:${port}`)) {
      if (!pids.every((pid) => existsSync(`/proc/${pid}`))) {
        throw new Error(`dnsmasq or ${dhcp} ended; port ${port}`);
      }
      await setTimeout(50);
    }
  }
  const ganesha = await startGanesha(namespace, tree, join(work, "ganesha"), cleanup);
  pids.push(ganesha.pid, ganesha.rpcbindPid);
  if (layer !== "iscsi") return flagsFor(pids);
  const tgt = await runTgt(namespace, { address: SERVER, port: 3260 }, cleanup);
  tgt.serve(disksFor(nodes, join(work, "disks")));
  const named = ["--target", `${IQN}:{name}`, "--initiator", `${IQN}.initiator:{name}`];
  return [...flagsFor([...pids, tgt.pid]), "--iscsi", SERVER, ...named];
}

function bootFiles(tree: string, files: string): string {
  mkdirSync(files, { recursive: true });
  const boot = readdirSync(join(tree, "boot"));
  for (const name of ["vmlinuz", "initrd"] as const) {
    const file = boot.find((candidate) => candidate.startsWith(name));
    if (file === undefined) throw new Error(`${tree} has no ${name}`);
    symlinkSync(join(tree, "boot", file), join(files, name));
  }
  writeFileSync(
    join(files, BOOT_FILE),
    `#!ipxe
kernel vmlinuz initrd=initrd root=/dev/nfs nfsroot=${SERVER}:${tree},tcp,rsize=131072 ip=dhcp ro
initrd initrd
boot
`,
  );
  return files;
}

function dnsmasqFiles(files: string): string[] {
  return [
    ...["--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file"],
    ...["--log-facility=/dev/null", "--quiet-dhcp", "--quiet-tftp"],
    ...["--enable-tftp", `--tftp-root=${files}`, "--tftp-max=5000"],
  ];
}

function dnsmasqAddresses(work: string): string[] {
  return [
    ...[`--dhcp-range=${FIRST},${LAST},255.255.0.0,1h`, "--dhcp-lease-max=10000", "--no-ping"],
    ...["--dhcp-authoritative", `--dhcp-boot=${BOOT_FILE}`],
    `--dhcp-leasefile=${join(work, "leases")}`,
  ];
}

/** Of the nodes that `sidus storm` simulates. */
function disksFor(nodes: number, directory: string): { target: string; file: string }[] {
  mkdirSync(directory, { recursive: true });
  return Array.from({ length: nodes }, (_, index) => {
    const { name } = identityOf(index, 1);
    const file = join(directory, name);
    writeFileSync(file, "");
    truncateSync(file, VOLUME_BYTES);
    return { target: `${IQN}:${name}`, file };
  });
}
