import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync, readFileSync, statfsSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { obstaclesToNamespace } from "../image/namespace/obstacles.ts";
import { holderOf, servedPorts } from "./doctor-ports.ts";
import { imagesDirectory } from "./image/shared.ts";
import { installCommand, missingPackages, type Purpose, packagesFor } from "./packages.ts";

/** One line of `sidus doctor`. */
export interface Finding {
  readonly state: "ok" | "missing" | "blocked";
  readonly what: string;
  /** The command or change that mends it; "" where nothing is to be done. */
  readonly todo: string;
}

const NODE_LEAST = [24, 12] as const;
/** A small tree takes 0.6 GB, and its packages while it is built. */
const TREE_BYTES = 1e9;
const CAP_NET_BIND_SERVICE = 10n;

export function findingsFor(purposes: readonly Purpose[]): Finding[] {
  const any = (...which: Purpose[]): boolean => which.some((purpose) => purposes.includes(purpose));
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  return [
    nodeVersion(),
    ...packageFindings(purposes),
    ...(any("build", "demo", "test") ? rights(any("test")) : []),
    ...(any("build") ? [diskSpace(isRoot() ? "/srv/nfsroot" : imagesDirectory())] : []),
    ...(any("demo", "test") ? [diskSpace(cache), tun()] : []),
    ...(any("serve") ? [lowPorts(), ...servedPorts.map(portFinding)] : []),
  ];
}

function ok(what: string): Finding {
  return { state: "ok", what, todo: "" };
}

function nodeVersion(): Finding {
  const found = process.versions.node;
  const [major = 0, minor = 0] = found.split(".").map(Number);
  const [leastMajor, leastMinor] = NODE_LEAST;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) {
    return ok(`Node ${found}`);
  }
  const what = `Node ${NODE_LEAST.join(".")} or newer: this is ${found}`;
  return { state: "missing", what, todo: "in a clone: npm install, then npm run sidus -- …" };
}

function packageFindings(purposes: readonly Purpose[]): Finding[] {
  const missing = new Set(purposes.flatMap(missingPackages).map(({ name }) => name));
  const wanted = new Map(
    purposes.flatMap(packagesFor).map(({ name, reason }) => [name, reason] as const),
  );
  return [...wanted].map(([name, reason]) => {
    const what = `${name}: ${reason}`;
    if (!missing.has(name)) return ok(what);
    return { state: "missing", what, todo: installCommand([name]) };
  });
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

/** Whether trees can be built, and nodes be run, by whoever asks. */
function rights(testing: boolean): Finding[] {
  if (isRoot()) return [ok("root, for owners and devices of a tree"), namespaces()];
  const root = "root: its own namespaces are tested, and trees as directories";
  const obstacles = obstaclesToNamespace();
  return [
    ...(testing ? [{ state: "missing", what: root, todo: "run it with sudo" } as const] : []),
    ...obstacles.map(({ what, todo }) => ({ state: "missing", what, todo }) as const),
    ...(obstacles.length === 0
      ? [ok("a user namespace, for sealed images without root; a directory takes sudo")]
      : []),
  ];
}

function namespaces(): Finding {
  const what = "namespaces of processes, mounts and networks";
  const flags = ["--mount", "--pid", "--net", "--fork"];
  if (spawnSync("unshare", [...flags, "true"]).status === 0) return ok(what);
  const todo = "in a container: give it CAP_SYS_ADMIN (--privileged)";
  return { state: "blocked", what, todo };
}

function diskSpace(directory: string): Finding {
  let there = directory;
  while (!existsSync(there)) there = dirname(there);
  const { bavail, bsize } = statfsSync(there);
  const free = `${((bavail * bsize) / 1e9).toFixed(1)} GB free in ${there}`;
  if (bavail * bsize >= TREE_BYTES) return ok(`${free} for a tree`);
  const todo =
    directory === "/srv/nfsroot"
      ? "make room, or build elsewhere: sidus build --output"
      : "make room, or set XDG_CACHE_HOME and XDG_DATA_HOME";
  return { state: "missing", what: `1 GB for a tree: ${free}`, todo };
}

function tun(): Finding {
  const device = "/dev/net/tun";
  const what = `${device}: network cards of nodes`;
  if (!existsSync(device)) return { state: "missing", what, todo: "modprobe tun" };
  try {
    accessSync(device, constants.R_OK | constants.W_OK);
    return ok(what);
  } catch {
    return { state: "blocked", what, todo: "run it with sudo" };
  }
}

function lowPorts(): Finding {
  const what = "the right to bind ports below 1024";
  const lowest = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  if (lowest <= 67 || mayBindLowPorts(readFileSync("/proc/self/status", "utf8"))) return ok(what);
  const todo = `run it with sudo, or: sudo setcap cap_net_bind_service=+ep "${process.execPath}"`;
  return { state: "missing", what, todo };
}

/** From the effective capabilities in /proc/PID/status. */
export function mayBindLowPorts(status: string): boolean {
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return ((BigInt(`0x${effective}`) >> CAP_NET_BIND_SERVICE) & 1n) === 1n;
}

function portFinding(served: (typeof servedPorts)[number]): Finding {
  const what = `${served.protocol.toUpperCase()} port ${served.port}, ${served.what}`;
  const holder = holderOf(served);
  if (holder === undefined) return ok(`${what}: free`);
  return { state: "blocked", what: `${what}: ${holder} has it`, todo: served.todo };
}
