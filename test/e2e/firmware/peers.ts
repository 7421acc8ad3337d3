import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { type Namespace, openNamespace } from "../../namespace.ts";
import type { Room } from "../served-room.ts";

/** Foreign servers beside ours, each a computer of its own: its namespace is joined to the room's network by a cable. */

/** A server that runs until it is disposed of. */
export interface Peer extends AsyncDisposable {
  readonly namespace: Namespace;
  log(): string;
}

/** One more computer on the room's network; its card is called `eth0`. */
async function openComputer(room: Room, name: string, address: string): Promise<Namespace> {
  const namespace = await openNamespace();
  const pid = namespace.enter[2] ?? "";
  const ends = ["type", "veth", "peer", "name", "eth0", "netns", pid];
  room.namespace.run("ip", "link", "add", name, ...ends);
  room.namespace.run("ip", "link", "set", name, "master", "room0", "up");
  namespace.run("ip", "addr", "add", address, "brd", "+", "dev", "eth0");
  namespace.run("ip", "link", "set", "eth0", "up");
  return namespace;
}

/** The site's DHCP server: dnsmasq, which gives addresses and knows nothing of booting. */
export async function leaseServer(room: Room): Promise<Peer> {
  const namespace = await openComputer(room, "leases", "10.13.20.2/24");
  const range = "10.13.20.100,10.13.20.150,255.255.255.0,1h";
  const args = ["--port=0", "--interface=eth0", "--bind-interfaces", `--dhcp-range=${range}`];
  return peer(namespace, "dnsmasq", [...args, ...dnsmasqInFront], /DHCP, IP range/);
}

/** A router with another network behind it, `far0`, whose broadcasts ISC's relay takes to ours. */
export async function relay(room: Room): Promise<Peer> {
  const namespace = await openComputer(room, "router", "10.13.20.2/24");
  const bridge = ["type", "bridge", "stp_state", "0", "forward_delay", "0"];
  namespace.run("ip", "link", "add", "far0", ...bridge);
  namespace.run("ip", "addr", "add", "10.13.30.1/24", "brd", "+", "dev", "far0");
  namespace.run("ip", "link", "set", "far0", "up");
  namespace.run("sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward");
  room.namespace.run("ip", "route", "add", "10.13.30.0/24", "via", "10.13.20.2");
  const args = ["-4", "-d", "-id", "far0", "-iu", "eth0", room.server];
  return peer(namespace, "dhcrelay", args, /Sending on +Socket/);
}

/** IPv6 routers are where nodes are: without an answer of one, each iPXE waits 13 s for it. */
export async function ipv6Router(room: Room): Promise<Peer> {
  const namespace = await openComputer(room, "router6", "10.13.20.3/24");
  namespace.run("ip", "addr", "add", "fd00:13:20::1/64", "dev", "eth0", "nodad");
  const args = ["--port=0", "--interface=eth0", "--bind-interfaces", "--enable-ra"];
  args.push("--dhcp-range=fd00:13:20::,ra-only", "--ra-param=eth0,4,1800");
  return peer(namespace, "dnsmasq", [...args, ...dnsmasqInFront], /router advertisement/);
}

const dnsmasqInFront = ["--keep-in-foreground", "--user=root", "--log-facility=-", "--conf-file="];
dnsmasqInFront.push("--leasefile-ro", "--pid-file=", "--log-dhcp");

async function peer(
  namespace: Namespace,
  command: string,
  args: readonly string[],
  ready: RegExp,
): Promise<Peer> {
  const child = namespace.spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      log += bytes.toString();
    });
  }
  while (!ready.test(log)) {
    if (child.exitCode !== null) throw new Error(`${command} ended: ${log}`);
    await setTimeout(20);
  }
  return {
    namespace,
    log: () => log,
    async [Symbol.asyncDispose]() {
      await ended(child);
      await namespace[Symbol.asyncDispose]();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}
