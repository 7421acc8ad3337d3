import process from "node:process";
import { formatIpv4, ipv4 } from "../../bytes/ipv4.ts";
import { DESCRIPTORS_BESIDE } from "../../limits.ts";
import { systemClock } from "../../net/clock.ts";
import { formatEndpoint } from "../../net/endpoint.ts";
import { openUdp } from "../../net/udp.ts";
import { portmapFailure } from "../../storm/nfs/portmapper.ts";
import { NFS_PORT } from "../../storm/nfs/rendezvous.ts";
import { stageOf } from "../../storm/node/stages.ts";
import type { StormServers } from "../../storm/servers.ts";
import type { Trace } from "../../storm/trace/trace.ts";
import { UserError } from "../../user-error.ts";
import { descriptorsMax } from "../descriptors.ts";
import type { StormPlan } from "./plan.ts";

/** What is found out before a storm: what nodes would all fail at, after minutes. */

type Asked = Pick<StormPlan, "nodes" | "skip" | "foreign">;

/** @throws UserError where the nodes' connections are more than may be open here, or in a server that has the same limit. */
export function refuseTooMany(trace: Trace, plan: Asked, most = descriptorsMax()): void {
  const { nodes } = plan;
  const each = descriptorsOfNode(trace, plan);
  const needed = nodes * each + DESCRIPTORS_BESIDE;
  if (needed <= most) return;
  const fewer = Math.floor((most - DESCRIPTORS_BESIDE) / each);
  const instead = fewer > 0 ? `, or --nodes ${fewer}` : "";
  throw new UserError(
    `--nodes ${nodes}: takes up to ${needed} open files, and a process here may have ${most}: raise that (ulimit -n, LimitNOFILE=)${instead}`,
  );
}

/** Connections at a time; a server of ours has a node's volume open, too. */
function descriptorsOfNode({ steps }: Trace, { skip, foreign }: Asked): number {
  const deeds = steps.map(({ deed }) => deed).filter((deed) => !skip.includes(stageOf(deed)));
  const kinds = new Set(deeds.map(({ kind }) => kind));
  const fetches = kinds.has("http") || kinds.has("tftp") || kinds.has("up") ? 1 : 0;
  const disks = kinds.has("login") ? (foreign === undefined ? 2 : 1) : 0;
  return fetches + (kinds.has("nfs") ? 1 : 0) + disks;
}

/** The first will do: all are there, or none. @throws UserError */
export async function refuseAddressesOfOthers({ foreign }: Asked): Promise<void> {
  const { addresses } = foreign ?? {};
  if (addresses === undefined) return;
  const address = ipv4(addresses.network + 1);
  try {
    await using _socket = await openUdp({
      local: { address, port: 0 },
      receive() {},
      report() {},
    });
  } catch (cause) {
    const network = `${formatIpv4(addresses.network)}/${addresses.prefix}`;
    throw new UserError(
      `--addresses ${network}: ${formatIpv4(address)} is no address of this machine; \`ip route add local ${network} dev lo\` makes all of them`,
      { cause },
    );
  }
}

/** Where no portmapper says where MOUNT is, it is where NFS is, as with our own server; that is said. */
export async function withMount(servers: StormServers, { skip }: Asked): Promise<StormServers> {
  const { nfs } = servers;
  if (nfs?.portmap === undefined || skip.includes("root")) return servers;
  const { address, portmap, mount } = nfs;
  const failure = await portmapFailure({
    server: { address, portmap },
    from: { address: undefined },
    clock: systemClock,
    random: Math.random,
  });
  if (failure === undefined) return servers;
  const port = nfs.nfs ?? NFS_PORT;
  const found = { ...nfs, portmap: undefined, nfs: port, mount: mount ?? port };
  process.stderr.write(
    `sidus: ${formatEndpoint({ address, port: portmap })}: ${failure}: NFS is asked at port ${port}, MOUNT at ${found.mount}${mount === undefined ? " (--mount-port names another)" : ""}\n`,
  );
  return { ...servers, nfs: found };
}
