import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { systemClock } from "../../src/net/clock.ts";
import { roomAddresses } from "../../src/storm/room/network.ts";
import { startOwnServer } from "../../src/storm/room/servers.ts";
import { type Namespace, openNamespace } from "../../test/namespace.ts";
import { startGanesha } from "../nfs/servers.ts";
import { pidOf, runUntilEnd } from "../processes.ts";

/** The servers that sidus is compared with in storms, in the network of src/storm/room/network.ts, on the same tree. */

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const SERVER = "10.13.0.1";
const RELAY = "10.13.1.1";
const NODES = "10.13.128.0/17";

export interface StormNetwork {
  /** Where servers run, and where the nodes are. */
  readonly servers: Namespace;
  readonly nodes: Namespace;
}

/** Two networks with a cable between them; in the nodes', all their addresses are local. */
export async function makeNetwork(cleanup: AsyncDisposableStack): Promise<StormNetwork> {
  const servers = cleanup.use(await openNamespace());
  const nodes = cleanup.use(await openNamespace());
  const netns = `/proc/${pidIn(nodes)}/ns/net`;
  servers.run(
    "ip",
    "link",
    "add",
    "room0",
    "type",
    "veth",
    "peer",
    "name",
    "room1",
    "netns",
    netns,
  );
  servers.run("ip", "addr", "add", `${SERVER}/16`, "brd", "+", "dev", "room0");
  servers.run("ip", "link", "set", "room0", "up");
  servers.run("ip", "route", "add", NODES, "via", RELAY, "onlink", "dev", "room0");
  nodes.run("ip", "addr", "add", `${RELAY}/16`, "dev", "room1");
  nodes.run("ip", "link", "set", "room1", "up");
  nodes.run("ip", "route", "add", "local", NODES, "dev", "lo");
  return { servers, nodes };
}

/** The process that holds a namespace: `nsenter --target PID …` enters it. */
function pidIn({ enter }: Namespace): string {
  return enter[enter.indexOf("--target") + 1] ?? "";
}

/** `sidus storm` against servers of this machine. */
function flagsFor(pids: readonly number[]): string[] {
  return [
    ...["--dhcp", SERVER, "--tftp", SERVER, "--nfs", SERVER, "--addresses", NODES],
    ...["--relay", RELAY, "--server-pid", pids.join(",")],
  ];
}

export async function startSidus(
  { servers }: StormNetwork,
  tree: string,
  work: string,
  cleanup: AsyncDisposableStack,
): Promise<string[]> {
  mkdirSync(work, { recursive: true });
  const own = cleanup.use(
    await startOwnServer({
      network: { ...roomAddresses, interfaceName: "room0", enter: servers.enter },
      program: [process.execPath, main],
      work,
      source: { tree },
      layer: "tmpfs",
      // Whoever asks boots: none is named, as none is to the others.
      nodes: [],
      volumeSize: undefined,
      clock: systemClock,
    }),
  );
  return [...flagsFor(own.pids()), "--http", SERVER];
}

/** dnsmasq: addresses, and by TFTP iPXE's script, kernel and initrd; nfs-ganesha: the root. */
export async function startPeers(
  { servers: namespace }: StormNetwork,
  tree: string,
  work: string,
  cleanup: AsyncDisposableStack,
): Promise<string[]> {
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
