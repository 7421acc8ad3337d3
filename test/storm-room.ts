import { mkdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { systemClock } from "../src/net/clock.ts";
import { roomAddresses } from "../src/storm/room/network.ts";
import { type OwnServer, startOwnServer } from "../src/storm/room/servers.ts";
import { type Namespace, openNamespace } from "./namespace.ts";

/** A network for storms whose servers others start: `sidus storm` is told of them as of anybody's. */

const main = fileURLToPath(new URL("../src/main.ts", import.meta.url));
export const SERVER = "10.13.0.1";
const RELAY = "10.13.1.1";
const NODES = "10.13.128.0/17";

export interface StormNetwork {
  /** Where servers run, and where the nodes are. */
  readonly servers: Namespace;
  readonly nodes: Namespace;
}

/** Two networks with a cable between them; in the nodes', all their addresses are local. */
export async function makeStormNetwork(cleanup: AsyncDisposableStack): Promise<StormNetwork> {
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
export function flagsFor(pids: readonly number[]): string[] {
  return [
    ...["--dhcp", SERVER, "--tftp", SERVER, "--nfs", SERVER, "--addresses", NODES],
    ...["--relay", RELAY, "--server-pid", pids.join(",")],
  ];
}

/** `flags`: of `sidus storm`. */
export async function startSidus(
  { servers }: StormNetwork,
  tree: string,
  work: string,
  layer: "tmpfs" | "iscsi" = "tmpfs",
  program = main,
): Promise<OwnServer & { readonly flags: readonly string[] }> {
  mkdirSync(work, { recursive: true });
  const own = await startOwnServer({
    network: { ...roomAddresses, interfaceName: "room0", enter: servers.enter },
    program: [process.execPath, program],
    work,
    source: { tree },
    layer,
    // Whoever asks boots: none is named, as none is to the others.
    nodes: [],
    volumeSize: undefined,
    clock: systemClock,
  });
  return { ...own, flags: [...flagsFor(own.pids()), "--http", SERVER, "--iscsi", SERVER] };
}
