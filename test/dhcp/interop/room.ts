import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inventoryOf } from "../../../src/boot/inventory.ts";
import { serveDhcp } from "../../../src/dhcp/server.ts";
import type { DhcpSubnet } from "../../../src/dhcp/settings.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { openState } from "../../../src/state/state.ts";
import type { BootEvent } from "../../../src/watch/events.ts";
import { address, node, rangeOf, settingsWith } from "../messages.ts";

/**
 * Run by interop.test.ts in a network namespace of its own: our server, and foreign clients in a second namespace.
 *
 *      this namespace                         the clients'
 *   ┌──────────────────┐                  ┌──────────────────┐
 *   │ srv0 10.67.0.1 ──┼──────────────────┼── cli0           │   the network that is served
 *   │ oth0 10.68.0.1 ──┼──────────────────┼── oth1           │   one that is not: nothing may be answered there
 *   └──────────────────┘                  │ rel0 10.69.0.1 ──┼── far0   a third namespace, behind dhcrelay
 *                                         └──────────────────┘
 *
 * Prints one line of JSON: a Report.
 */

export interface Report {
  readonly udhcpc: Record<string, string>;
  readonly dhclient: Record<string, string>;
  readonly renewals: readonly string[];
  /** A client behind a relay. */
  readonly relayed: Record<string, string>;
  /** Exit status of a client on the network that is not served. */
  readonly strangerExit: number;
  readonly mutated: { readonly heard: number; readonly refused: Record<string, number> };
  readonly afterMutated: Record<string, string>;
  readonly events: readonly BootEvent[];
  readonly reports: readonly string[];
}

const [, , work = "."] = process.argv;
const events: BootEvent[] = [];
const reports: string[] = [];
const children: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

function start(command: string, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env["PATH"] };
  const child = spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  children.push(child);
  return child;
}

async function run(command: string, args: readonly string[]): Promise<number> {
  const child = start(command, args);
  let said = "";
  child.stderr?.on("data", (bytes) => {
    said += String(bytes);
  });
  const [code] = await once(child, "exit");
  if (code !== 0) reports.push(`${command} ${args.join(" ")}: ${said.trim()}`);
  return Number(code);
}

const ip = (words: string) => run("ip", words.split(" "));

const clients = start("unshare", ["--net", "sleep", "60"]);
const inClients = (...command: string[]) => ["-t", String(clients.pid), "-n", ...command];
const far = start("unshare", ["--net", "sleep", "60"]);
const inFar = (...command: string[]) => ["-t", String(far.pid), "-n", ...command];

async function lay(): Promise<void> {
  await ip("link set lo up");
  await ip("link add srv0 type veth peer name cli0");
  await ip("link add oth0 type veth peer name oth1");
  for (const [mine, theirs, net] of [
    ["srv0", "cli0", 67],
    ["oth0", "oth1", 68],
  ] as const) {
    await ip(`link set ${theirs} address 52:54:00:${net}:00:01 netns ${clients.pid}`);
    await ip(`address add 10.${net}.0.1/24 dev ${mine}`);
    await ip(`link set ${mine} up`);
    await run("nsenter", inClients("ip", "link", "set", theirs, "up"));
  }
}

/** tcpdump would drop root, which it cannot where root is only of a user namespace. */
async function captureOf(link: string, file: string): Promise<ChildProcess> {
  const dumpcap = start("dumpcap", ["-q", "-P", "-i", link, "-w", file]);
  let said = "";
  dumpcap.stderr?.on("data", (bytes) => {
    said += String(bytes);
  });
  await until(() => said.includes("File:"), "a capture");
  return dumpcap;
}

/** A script for udhcpc and dhclient that notes their environment at each step and sets the address. */
function clientScript(): string {
  const path = join(work, "script");
  writeFileSync(
    path,
    `#!/bin/sh
step=\${1:-$reason}
env > ${work}/$step.env
echo "$step" >> ${work}/steps
case $step in
  bound|BOUND|renew) ip address replace \${ip:-$new_ip_address}/24 dev $interface ;;
  deconfig|PREINIT) ip address flush dev $interface ;;
esac
`,
  );
  chmodSync(path, 0o755);
  return path;
}

function noted(step: string): Record<string, string> {
  const lines = readFileSync(join(work, `${step}.env`), "utf8").split("\n");
  return Object.fromEntries(lines.map((line) => line.split(/=(.*)/s, 2)));
}

async function until(done: () => boolean, what: string): Promise<void> {
  for (let tries = 0; tries < 100; tries += 1) {
    if (done()) return;
    await sleep(100);
  }
  throw new Error(`${what} did not happen: ${JSON.stringify(reports)}`);
}

/** A client that stays, renews by unicast when it is told to (SIGUSR1), and releases when it ends. */
async function renew(script: string): Promise<string[]> {
  const before = events.length;
  const told = () =>
    events.slice(before).map((event) => {
      return event.kind === "dhcp" ? `${event.message} ${event.reply}` : event.kind;
    });
  const client = start(
    "nsenter",
    inClients("busybox", "udhcpc", "-i", "cli0", "-f", "-R", "-n", "-s", script),
  );
  const acknowledged = () => told().filter((line) => line === "REQUEST ACK").length;
  await until(() => acknowledged() === 1, "a lease");
  // Not before its script has set the address that it renews from.
  await until(() => readFileSync(join(work, "steps"), "utf8").endsWith("bound\n"), "bound");
  await sleep(300);
  client.kill("SIGUSR1");
  await until(() => acknowledged() === 2, "a renewal");
  client.kill("SIGTERM");
  await until(() => told().some((line) => line.startsWith("RELEASE")), "a release");
  return told();
}

/** busybox udhcpc behind ISC's relay, which adds option 82 and drops replies without it. */
async function behindRelay(client: readonly string[]): Promise<Record<string, string>> {
  const inside = (words: string) => run("nsenter", inClients("ip", ...words.split(" ")));
  await inside("link add rel0 type veth peer name far0");
  await inside(`link set far0 netns ${far.pid}`);
  await inside("address add 10.67.0.2/24 dev cli0");
  await inside("address add 10.69.0.1/24 dev rel0");
  await inside("link set rel0 up");
  await run("nsenter", inFar("ip", "link", "set", "far0", "up"));
  await ip("route add 10.69.0.0/24 via 10.67.0.2");
  const links = ["-id", "rel0", "-iu", "cli0"];
  const relay = start("nsenter", inClients("dhcrelay", "-4", "-d", "-a", ...links, "10.67.0.1"));
  let said = "";
  relay.stderr?.on("data", (bytes) => {
    said += String(bytes);
  });
  await until(() => said.includes("Sending on   Socket/fallback"), "a relay");
  await run("nsenter", inFar(...client, "-i", "far0"));
  relay.kill("SIGTERM");
  await once(relay, "exit");
  await inside("address flush dev cli0");
  return noted("bound");
}

async function mutate(): Promise<Report["mutated"]> {
  await run("nsenter", inClients("ip", "address", "add", "10.67.0.250/24", "dev", "cli0"));
  const before = events.length;
  const script = fileURLToPath(new URL("mutate.ts", import.meta.url));
  await run("nsenter", inClients(process.execPath, script));
  await sleep(200);
  await run("nsenter", inClients("ip", "address", "del", "10.67.0.250/24", "dev", "cli0"));
  const told = events.splice(before);
  const refused: Record<string, number> = {};
  for (const event of told) {
    if (event.kind === "refused") refused[event.reason] = (refused[event.reason] ?? 0) + 1;
  }
  return { heard: told.length, refused };
}

function subnetOf(net: number): DhcpSubnet {
  return {
    network: { network: address(`10.${net}.0.0`), prefix: 24 },
    ranges: [rangeOf(`10.${net}.0.50`, 50)],
    leaseSeconds: 3600,
    router: address(`10.${net}.0.254`),
    dns: [address("10.67.0.2"), address("10.67.0.3")],
    domain: "room.example",
  };
}

async function main(): Promise<Report> {
  mkdirSync(work, { recursive: true });
  await sleep(200);
  await lay();
  const script = clientScript();
  const capture = await captureOf("srv0", join(work, "served.pcap"));

  using state = openState(join(work, "state"));
  const settings = {
    ...settingsWith({
      serverAddress: address("10.67.0.1"),
      inventory: inventoryOf([node("525400670001", "10.67.0.20", "alpha")]),
      rootPath: () => "10.67.0.1:/srv/nfsroot/sidus",
    }),
    subnets: [subnetOf(67), subnetOf(69)],
  };
  await using _server = await serveDhcp({
    settings: () => settings,
    clock: systemClock,
    store: state.leases,
    tell: (event) => events.push(event),
    report: (what, error) => reports.push(`${what}: ${String(error)}`),
    isPresent: () => false,
    learn: () => {},
    warn: (text) => reports.push(text),
    ports: { server: 67, client: 68 },
  });

  const once_ = ["busybox", "udhcpc", "-n", "-q", "-f", "-t", "3", "-T", "1", "-s", script];
  const asking = ["-O", "rootpath", "-O", "hostname", "-O", "domain"];
  await run("nsenter", inClients(...once_, ...asking, "-i", "cli0"));
  const udhcpc = noted("bound");

  const files = ["-sf", script, "-lf", join(work, "leases"), "-pf", join(work, "pid")];
  await run("nsenter", inClients("dhclient", "-1", ...files, "cli0"));
  const dhclient = noted("BOUND");
  await run("nsenter", inClients("dhclient", "-x", ...files, "cli0"));

  const renewals = await renew(script);
  const relayed = await behindRelay([...once_, ...asking]);
  const noise = reports.length;
  const strangerExit = await run("nsenter", inClients(...once_, "-i", "oth1"));
  reports.splice(noise);
  capture.kill("SIGTERM");
  await once(capture, "exit");

  const mutated = await mutate();
  await run("nsenter", inClients(...once_, "-i", "cli0"));
  const afterMutated = noted("bound");
  return {
    udhcpc,
    dhclient,
    renewals,
    relayed,
    strangerExit,
    mutated,
    afterMutated,
    events,
    reports,
  };
}

try {
  process.stdout.write(`${JSON.stringify(await main())}\n`);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${String(error)}\n${reports.join("\n")}\n`);
  process.exit(1);
}
