import { type ChildProcess, execFileSync, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";

/**
 * A private network: a namespace with its own loopback and nothing else, gone with the process that holds it. Ports below
 * 1024 and broadcasts are free in it, and nothing in it reaches this machine's own interfaces.
 */
export interface Namespace extends AsyncDisposable {
  /** Command and arguments before a command that is to run inside. */
  readonly enter: readonly string[];
  /** Runs to its end; throws with what it said on failure. */
  run(command: string, ...args: string[]): string;
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
}

const isRoot = process.getuid?.() === 0;
const unshareFlags = isRoot ? ["--net"] : ["--net", "--user", "--map-root-user"];
const enterFlags = isRoot ? ["--net"] : ["--net", "--user", "--preserve-credentials"];

export async function openNamespace(): Promise<Namespace> {
  const holder = spawn("unshare", [...unshareFlags, "sh", "-c", "echo ready; exec sleep 3600"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const isOpen = await Promise.race([
    once(holder.stdout, "data").then(() => true),
    once(holder, "exit").then(() => false),
  ]);
  if (!isOpen) throw new Error("no network namespace: allow user namespaces, or run as root");
  const enter = ["nsenter", "--target", String(holder.pid), ...enterFlags, "--"] as const;
  const [program, ...flags] = enter;
  const namespace: Namespace = {
    enter,
    run: (command, ...args) =>
      execFileSync(program, [...flags, command, ...args], { encoding: "utf8", stdio: "pipe" }),
    spawn: (command, args, options = {}) => spawn(program, [...flags, command, ...args], options),
    async [Symbol.asyncDispose]() {
      const ended = once(holder, "exit");
      holder.kill("SIGKILL");
      await ended;
    },
  };
  namespace.run("ip", "link", "set", "lo", "up");
  return namespace;
}

/** A bridge with an address, as the server's network card. */
export function addServerInterface(namespace: Namespace, name: string, address: string): void {
  namespace.run(
    "ip",
    "link",
    "add",
    name,
    "type",
    "bridge",
    "stp_state",
    "0",
    "forward_delay",
    "0",
  );
  namespace.run("ip", "addr", "add", address, "brd", "+", "dev", name);
  namespace.run("ip", "link", "set", name, "up");
}
