import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Namespace } from "../../test/namespace.ts";
import { serveIn } from "../../test/sidus.ts";
import { listening, pidOf, runUntilEnd } from "../processes.ts";

/** The servers that are compared, in one private network, on the same files. */

export interface BenchServer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly mountPort: number;
  /** What is mounted. */
  readonly path: string;
  readonly pid: number;
}

export const ADDRESS = "10.13.20.1";

export interface SidusOptions {
  readonly name: string;
  /** Of its export, as in sidus.yaml: `source: DIRECTORY` or `image: NAME`. */
  readonly source: string;
  /** Directory for what it writes, and of its images. */
  readonly work: string;
  readonly images: string;
  /** NFS here, the others on those after it. */
  readonly port: number;
  readonly threads: string | undefined;
  readonly cache: string;
}

export async function startSidus(
  namespace: Namespace,
  options: SidusOptions,
  cleanup: AsyncDisposableStack,
): Promise<BenchServer> {
  const { name, source, work, images, port, threads, cache } = options;
  mkdirSync(work, { recursive: true });
  const config = join(work, "sidus.yaml");
  const lines = [
    "interface: room0",
    `state: ${work}/state`,
    `images: ${images}`,
    ...(threads === undefined ? [] : [`threads: ${threads}`]),
    `cache: ${cache}`,
    `ports: { nfs: ${port}, portmap: ${port + 1}, tftp: ${port + 2}, http: ${port + 3}, iscsi: ${port + 4} }`,
    "dhcp: { mode: off }",
    `exports: { bench: { ${source} } }`,
  ];
  writeFileSync(config, `${lines.join("\n")}\n`);
  const served = cleanup.use(await serveIn(namespace, config, join(work, "ready")));
  const pid = pidOf(served.process);
  return { name, address: ADDRESS, port, mountPort: port, path: "/srv/nfsroot/bench", pid };
}

export async function startGanesha(
  namespace: Namespace,
  tree: string,
  work: string,
  cleanup: AsyncDisposableStack,
): Promise<BenchServer & { readonly rpcbindPid: number }> {
  mkdirSync(work, { recursive: true });
  const config = join(work, "ganesha.conf");
  const log = join(work, "ganesha.log");
  writeFileSync(config, ganeshaConfig(tree, log));
  // Both write below /run and /var, which are theirs alone.
  const own = ["/run", "/var/lib/nfs", "/var/log/ganesha"];
  const prepare = [
    ...own.map((path) => `mkdir -p ${path} && mount -t tmpfs tmpfs ${path}`),
    "mkdir -p /run/ganesha /run/rpcbind /var/lib/nfs/ganesha",
    "exec rpcbind -w -f",
  ].join(" && ");
  const rpcbind = runUntilEnd(namespace, "unshare", ["--mount", "sh", "-c", prepare], cleanup);
  await listening(namespace, 111, rpcbind);
  const rpcbindPid = pidOf(rpcbind);
  const inside = ["--target", String(rpcbindPid), "--mount", "--"];
  const daemon = ["ganesha.nfsd", "-F", "-f", config, "-L", log, "-p", "/run/ganesha/pid"];
  const ganesha = runUntilEnd(namespace, "nsenter", [...inside, ...daemon], cleanup);
  for (const port of [2049, 20_048]) await listening(namespace, port, ganesha);
  const pid = pidOf(ganesha);
  const where = { address: ADDRESS, port: 2049, mountPort: 20_048, path: tree };
  return { name: "ganesha", ...where, pid, rpcbindPid };
}

function ganeshaConfig(tree: string, log: string): string {
  return `NFS_CORE_PARAM {
  Protocols = 3; NFS_Port = 2049; MNT_Port = 20048; Enable_NLM = false; Enable_RQUOTA = false;
  mount_path_pseudo = false;
}
EXPORT {
  Export_Id = 1; Path = ${tree}; Pseudo = ${tree}; Access_Type = RO; Squash = No_Root_Squash; SecType = sys;
  Protocols = 3; Transports = TCP; MaxRead = 1048576; PrefRead = 1048576; FSAL { Name = VFS; }
}
LOG { Default_Log_Level = EVENT; Facility { name = FILE; destination = "${log}"; enable = active; } }
`;
}

/** What the loopback itself moves: megabytes a second over a number of connections, 128 KiB a write. */
export async function rawLoopback(
  namespace: Namespace,
  connections: number,
  seconds: number,
): Promise<number> {
  await using cleanup = new AsyncDisposableStack();
  const server = runUntilEnd(namespace, "iperf3", ["--server", "--bind", ADDRESS], cleanup);
  await listening(namespace, 5201, server);
  const flags = [
    "--length",
    "128K",
    "--parallel",
    String(connections),
    "--time",
    String(Math.ceil(seconds)),
  ];
  const client = namespace.run("iperf3", "--client", ADDRESS, "--json", ...flags);
  const { end } = JSON.parse(client) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 8e6;
}
