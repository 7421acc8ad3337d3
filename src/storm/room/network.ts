import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { Ipv4 } from "../../bytes/ipv4.ts";
import { type Cidr, formatCidr, formatIpv4, ipv4 } from "../../bytes/ipv4.ts";
import { STORM_BURST_BYTES, STORM_DELAYED_FRAMES_MAX, STORM_QUEUE_BYTES } from "../../limits.ts";
import { UserError } from "../../user-error.ts";

/**
 * The network of a storm, made in a network namespace that is ours alone. Nodes have addresses of their own, all on
 * loopback ("AnyIP": a whole network is said to be local), so that any of them can be bound.
 *
 *   without a link                  with one
 *   room0 10.13.0.1/16   server     room0 10.13.0.1/16   server, in a namespace of its own, tbf before it
 *   lo    10.13.1.1/32   relay        ║  …port0, switch, port1: netem before each port, for latency and losses
 *   lo    10.13.128.0/17 nodes      room1 10.13.1.1/16   relay, tbf before it
 *                                   lo    10.13.128.0/17 nodes
 */
export interface RoomNetwork extends AsyncDisposable {
  readonly server: Ipv4;
  /** Of the server, in its namespace: `room0`. */
  readonly interfaceName: string;
  readonly relay: Ipv4;
  readonly nodes: Cidr;
  /** Command and arguments before a command that is to run where the server is; none where it is here. */
  readonly enter: readonly string[];
}

/** What is between the server and the nodes, each way. Undefined: nothing is done about it. */
export interface Link {
  /** On the wire: gaps between frames, preambles and checksums counted. */
  readonly bitsPerSecond?: number | undefined;
  /** One way: an answer takes twice that. It does not vary. */
  readonly latencyMs?: number | undefined;
  /** 0 to 1: the part of the frames that is lost. */
  readonly loss?: number | undefined;
}

export const roomAddresses = {
  server: ipv4(0x0a0d_0001),
  relay: ipv4(0x0a0d_0101),
  prefix: 16,
  nodes: { network: ipv4(0x0a0d_8000), prefix: 17 },
} as const;

const SERVER_SIDE = "room0";
const NODES_SIDE = "room1";
const SWITCH = "switch";
/** Of the switch: towards the server, towards the nodes. */
const PORTS = ["port0", "port1"] as const;

/** A full frame of IEEE 802.3 as the kernel counts it, and what it takes on the wire: preamble, checksum and gap too. */
const FRAME_BYTES = 1514;
const WIRE_BYTES = 1538;

/** In the namespace of this process, whose root we are. @throws UserError where the kernel cannot do what the link says. */
export async function makeRoomNetwork({
  link,
}: {
  readonly link: Link | undefined;
}): Promise<RoomNetwork> {
  await using made = new AsyncDisposableStack();
  const server = link === undefined ? undefined : made.use(await holdNamespace());
  const enter = server?.enter ?? [];
  const there = (command: readonly [string, ...string[]]): void => run([...enter, ...command]);
  const nodes = formatCidr(roomAddresses.nodes);

  run(["ip", "link", "set", "lo", "up"]);
  chooseCongestionControl([]);
  if (server !== undefined) chooseCongestionControl(server.enter);
  const way = link === undefined ? [] : wayOf(link);
  const hasSwitch = way.length > 0 && hasNetem();
  const joined = server === undefined ? [] : ["netns", String(server.pid)];
  if (hasSwitch) {
    const [first, second] = PORTS;
    addPair(made, NODES_SIDE, [second]);
    addPair(made, first, [SERVER_SIDE, ...joined]);
    addSwitch(made, way);
  } else {
    refuseLatency(link);
    addPair(made, NODES_SIDE, [SERVER_SIDE, ...joined]);
  }
  there(["ip", "addr", "add", withPrefix(roomAddresses.server), "brd", "+", "dev", SERVER_SIDE]);
  there(["ip", "link", "set", SERVER_SIDE, "up"]);
  run(["ip", "link", "set", NODES_SIDE, "up"]);
  const { relay } = roomAddresses;
  const [address, side] =
    server === undefined ? [formatIpv4(relay), "lo"] : [withPrefix(relay), NODES_SIDE];
  run(["ip", "addr", "add", address, "dev", side]);
  made.defer(() => run(["ip", "addr", "delete", address, "dev", side]));
  run(["ip", "route", "add", "local", nodes, "dev", "lo"]);
  made.defer(() => run(["ip", "route", "delete", "local", nodes, "dev", "lo"]));
  if (server !== undefined && link !== undefined) {
    there(["ip", "link", "set", "lo", "up"]);
    // As a router's: thousands of neighbours would not fit the kernel's table of them.
    there(["ip", "route", "add", nodes, "via", formatIpv4(relay)]);
    for (const end of [
      { device: NODES_SIDE, enter: [] },
      { device: SERVER_SIDE, enter },
    ]) {
      shape(link, end);
      if (link.loss !== undefined && link.loss > 0 && !hasSwitch) loseArrivals(link.loss, end);
    }
  }
  const stack = made.move();
  return {
    server: roomAddresses.server,
    interfaceName: SERVER_SIDE,
    relay,
    nodes: roomAddresses.nodes,
    enter,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function withPrefix(address: Ipv4): string {
  return `${formatIpv4(address)}/${roomAddresses.prefix}`;
}

interface HeldNamespace extends AsyncDisposable {
  readonly pid: number;
  readonly enter: readonly string[];
}

/** A second network namespace; a process holds it that ends with this one, as its standard input does. */
async function holdNamespace(): Promise<HeldNamespace> {
  const holder = spawn("unshare", ["--net", "sh", "-c", "echo; exec cat >/dev/null"], {
    // Ctrl-C at the terminal is for the storm, which still needs the network to end in order.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const complaint: Buffer[] = [];
  holder.stderr.on("data", (bytes: Buffer) => void complaint.push(bytes));
  const isOpen = await Promise.race([
    once(holder.stdout, "data").then(() => true),
    once(holder, "close").then(
      () => false,
      () => false,
    ),
  ]);
  if (!isOpen || holder.pid === undefined) {
    const said = Buffer.concat(complaint).toString().trim();
    throw new UserError(`cannot make a second network namespace: unshare --net: ${said}`);
  }
  const { pid } = holder;
  return {
    pid,
    enter: ["nsenter", `--net=/proc/${pid}/ns/net`, "--"],
    async [Symbol.asyncDispose]() {
      if (holder.exitCode !== null || holder.signalCode !== null) return;
      const ended = once(holder, "close");
      holder.kill("SIGKILL");
      await ended;
    },
  };
}

/**
 * As nearly every machine has it, whatever this one prefers: losses that slow CUBIC down are little to BBR. A namespace
 * may only choose what the machine allows all users; in a room's short round trips, CUBIC is as Reno is (RFC 9438 §4.3).
 */
function chooseCongestionControl(enter: readonly string[]): void {
  const set = (name: string): boolean =>
    isDone([...enter, "sh", "-c", `echo ${name} >/proc/sys/net/ipv4/tcp_congestion_control`]);
  if (!set("cubic")) set("reno");
}

interface End {
  readonly device: string;
  /** Command and arguments before a command that is to run where it is. */
  readonly enter: readonly string[];
}

/** Two cards with a cable between them; words after a name say where it is. */
function addPair(
  made: AsyncDisposableStack,
  one: string,
  other: readonly [string, ...string[]],
): void {
  run(["ip", "link", "add", "name", one, "type", "veth", "peer", "name", ...other]);
  made.defer(() => run(["ip", "link", "delete", one]));
}

/**
 * Delays and losses are on the way, where neither end sees them. At an end, TCP would not see what waits in netem either,
 * of which it otherwise lets no more than a few frames a connection wait, and would fill the queue behind it.
 */
function addSwitch(made: AsyncDisposableStack, way: readonly string[]): void {
  run(["ip", "link", "add", "name", SWITCH, "type", "bridge", "mcast_snooping", "0"]);
  made.defer(() => run(["ip", "link", "delete", SWITCH]));
  for (const port of PORTS) {
    run(["tc", "qdisc", "add", "dev", port, "root", "netem", ...way]);
    run(["ip", "link", "set", port, "master", SWITCH, "up"]);
  }
  // Else it would answer who asks for the relay, as its namespace has that address, and frames would end in it.
  run(["ip", "link", "set", SWITCH, "arp", "off", "up"]);
}

/** For tc-netem(8); none where nothing is delayed or lost. */
function wayOf({ latencyMs = 0, loss = 0 }: Link): string[] {
  if (latencyMs === 0 && loss === 0) return [];
  return [
    ...(latencyMs > 0 ? ["delay", `${latencyMs}ms`] : []),
    ...(loss > 0 ? ["loss", `${loss * 100}%`] : []),
    ...["limit", String(STORM_DELAYED_FRAMES_MAX)],
  ];
}

function refuseLatency(link: Link | undefined): void {
  if (link?.latencyMs === undefined || link.latencyMs === 0) return;
  throw new UserError(
    "--latency: expected a kernel with netem (its module sch_netem), as Debian's: this one has none; --link and --loss work without it",
  );
}

function hasNetem(): boolean {
  if (!isDone(["tc", "qdisc", "add", "dev", "lo", "root", "netem"])) return false;
  run(["tc", "qdisc", "delete", "dev", "lo", "root"]);
  return true;
}

/**
 * What an end sends leaves no faster than the link, in the order in which it came: tc-tbf(8). Nothing is dropped before
 * that, as fq_codel would what waits for more than 5 ms: with thirty connections at 20 Mb/s, 3 % of all.
 */
function shape({ bitsPerSecond, loss = 0 }: Link, { device, enter }: End): void {
  if (loss > 0) {
    // Else what is lost were not a frame, but up to 64 KiB that the kernel sends as one.
    run([...enter, "ip", "link", "set", "dev", device, "gso_max_segs", "1"]);
  }
  if (bitsPerSecond === undefined) return;
  const rate = Math.round((bitsPerSecond * FRAME_BYTES) / WIRE_BYTES);
  const burst = Math.max(STORM_BURST_BYTES, Math.ceil(rate / 8 / 1000));
  run([
    ...[...enter, "tc", "qdisc", "add", "dev", device, "root", "tbf", "rate", `${rate}bit`],
    ...["burst", String(burst), "limit", String(STORM_QUEUE_BYTES)],
  ]);
}

/** Where the kernel has no netem: what arrives is dropped by chance, by nft(8). */
function loseArrivals(loss: number, { device, enter }: End): void {
  const million = Math.max(1, Math.round(loss * 1_000_000));
  const rules = `table netdev storm {
  chain arrivals {
    type filter hook ingress device "${device}" priority 0;
    numgen random mod 1000000 < ${million} counter drop
  }
}`;
  try {
    execFileSync(
      enter[0] ?? "nft",
      [...enter.slice(1), ...(enter.length > 0 ? ["nft"] : []), "-f", "-"],
      {
        input: rules,
        stdio: ["pipe", "ignore", "pipe"],
      },
    );
  } catch (cause) {
    throw new UserError(
      `--loss: expected a kernel with netem, or the Debian package nftables: nft: ${saidBy(cause)}; without --loss it works`,
      { cause },
    );
  }
}

function isDone(command: readonly string[]): boolean {
  const [program = "", ...args] = command;
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

function run(command: readonly string[]): void {
  const [program = "", ...args] = command;
  try {
    execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"], encoding: "utf8" });
  } catch (cause) {
    throw new UserError(
      `cannot make the storm's network: ${command.join(" ")}: ${saidBy(cause)}; \`sidus doctor storm\` says what is missing`,
      { cause },
    );
  }
}

function saidBy(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const said = "stderr" in cause ? String(cause.stderr).trim() : "";
  return said === "" ? cause.message : said;
}
