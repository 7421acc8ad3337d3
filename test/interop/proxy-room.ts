import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { formatIpv4 } from "../../src/bytes/ipv4.ts";
import { serveProxyDhcp } from "../../src/dhcp/proxy/server.ts";
import { openUdp } from "../../src/net/udp.ts";
import type { BootEvent } from "../../src/watch/events.ts";
import { OTHER, PROXY, proxySettings } from "../dhcp/proxy/room.ts";

/**
 * Run by proxy.test.ts in a network namespace of its own: our proxy, a dnsmasq that gives the addresses and knows nothing
 * of booting, and two computers that boot from the network.
 *
 *   this namespace                               dnsmasq's
 *   br0 10.67.0.1 ─┬─ dns0 ─────────────────── dns1 10.67.0.2
 *                  ├─ tap0   SeaBIOS, iPXE's ROM
 *                  └─ tap1   OVMF, its own network stack
 *
 * Prints one line of JSON: a Report.
 */

export interface Report {
  /** `10.67.0.50 tftp snponly.efi`: what the computers asked our address for. */
  readonly asked: readonly string[];
  readonly events: readonly BootEvent[];
  /** MAC address and architecture by address, as the proxy knows them. */
  readonly nodes: Record<string, { readonly mac: string; readonly architecture: number } | null>;
  readonly reports: readonly string[];
  readonly consoles: readonly string[];
}

const [, , work = "."] = process.argv;
const events: BootEvent[] = [];
const reports: string[] = [];
const asked: string[] = [];
const children: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  children.push(child);
  return child;
}

async function run(command: string, ...args: string[]): Promise<void> {
  const child = start(command, args);
  let said = "";
  child.stderr?.on("data", (bytes) => {
    said += String(bytes);
  });
  const [code] = await once(child, "exit");
  if (code !== 0) throw new Error(`${command} ${args.join(" ")}: ${said.trim()}`);
}

const ip = (words: string) => run("ip", ...words.split(" "));

async function until(done: () => boolean, what: string, seconds: number): Promise<void> {
  for (let tries = 0; tries < seconds * 10; tries += 1) {
    if (done()) return;
    await sleep(100);
  }
  reports.push(`${what} did not happen in ${seconds} s`);
}

function said(child: ChildProcess): () => string {
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
    });
  }
  return () => text;
}

async function lay(): Promise<readonly string[]> {
  const inside = start("unshare", ["--net", "sh", "-c", "echo ready; exec sleep 300"]);
  await once(inside.stdout ?? process.stdin, "data");
  const enter = ["nsenter", "-t", String(inside.pid), "-n"];
  await ip("link set lo up");
  await ip("link add br0 type bridge stp_state 0 forward_delay 0");
  await ip(`address add ${formatIpv4(PROXY)}/24 brd + dev br0`);
  await ip("link set br0 up");
  await ip("link add dns0 type veth peer name dns1");
  await ip(`link set dns1 netns ${inside.pid}`);
  await run(...asCommand([...enter, "ip", "link", "set", "dns1", "up"]));
  const theirs = `${formatIpv4(OTHER)}/24`;
  await run(...asCommand([...enter, "ip", "address", "add", theirs, "brd", "+", "dev", "dns1"]));
  for (const tap of ["tap0", "tap1"]) await ip(`tuntap add ${tap} mode tap`);
  for (const port of ["dns0", "tap0", "tap1"]) await ip(`link set ${port} master br0 up`);
  return enter;
}

function asCommand([command = "", ...args]: readonly string[]): [string, ...string[]] {
  return [command, ...args];
}

async function startDnsmasq(enter: readonly string[]): Promise<void> {
  const plain = ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--leasefile-ro"];
  const range = ["--dhcp-range=10.67.0.50,10.67.0.99,1h", "--no-ping", "--log-dhcp"];
  const [command, ...args] = asCommand([...enter, "dnsmasq", ...plain, "--pid-file=", ...range]);
  const says = said(start(command, args));
  await until(() => says().includes("DHCP"), "dnsmasq", 10);
}

/** dumpcap, because tcpdump would drop root, which it cannot where root is only of a user namespace. */
async function startCapture(): Promise<ChildProcess> {
  const capture = start("dumpcap", ["-q", "-P", "-i", "br0", "-w", join(work, "served.pcap")]);
  const says = said(capture);
  await until(() => says().includes("File:"), "a capture", 10);
  return capture;
}

function computer(tap: string, mac: string, more: readonly string[]): () => string {
  const bare = ["-accel", "tcg", "-nodefaults", "-display", "none", "-vga", "none", "-m", "192"];
  const net = ["-netdev", `tap,id=net,ifname=${tap},script=no,downscript=no`];
  return said(
    start("qemu-system-x86_64", [
      ...[...bare, ...net, "-serial", "stdio", "-no-reboot", "-device", "virtio-rng-pci"],
      ...more.map((word) => word.replace("NET", `virtio-net-pci,netdev=net,mac=${mac}`)),
    ]),
  );
}

async function main(): Promise<Report> {
  const enter = await lay();
  await startDnsmasq(enter);
  const capture = await startCapture();
  const settings = proxySettings({
    bootFile: ({ isIpxe, isHttpClient }) => {
      if (isIpxe) return "http://10.67.0.1/boot.ipxe";
      return isHttpClient ? "http://10.67.0.1/loader.efi" : "loader.efi";
    },
  });
  const report = (what: string, error: unknown) => reports.push(`${what}: ${String(error)}`);
  await using proxy = await serveProxyDhcp({
    settings: () => settings,
    ports: { server: 67, client: 68, proxy: 4011 },
    learn: () => {},
    tell: (event) => events.push(event),
    report,
  });
  await using tftp = await openUdp({
    local: { address: PROXY, port: 69 },
    receive(bytes, from) {
      const [name = ""] = Buffer.from(bytes.subarray(2)).toString("latin1").split("\0");
      if (bytes[1] === 1) asked.push(`${formatIpv4(from.address)} tftp ${name}`);
      // RFC 1350 §5: file not found.
      tftp.send(Uint8Array.of(0, 5, 0, 1, 0x6e, 0x6f, 0), from);
    },
    report,
  });
  const http = createServer((request, response) => {
    const from = request.socket.remoteAddress?.replace("::ffff:", "");
    asked.push(`${from} http ${request.url}`);
    response.writeHead(404).end();
  }).listen(80, formatIpv4(PROXY));

  const vars = join(work, "vars.fd");
  copyFileSync("/usr/share/OVMF/OVMF_VARS_4M.fd", vars);
  const flash = (file: string, more = "") => ["-drive", `if=pflash,format=raw,${more}file=${file}`];
  const consoles = [
    computer("tap0", "52:54:00:67:00:01", [
      "-machine",
      "pc,graphics=off",
      "-boot",
      "n",
      "-device",
      "NET",
    ]),
    computer("tap1", "52:54:00:67:00:02", [
      ...["-machine", "q35", "-device", "NET,romfile="],
      // It would wait half a minute for IPv6 before it boots by HTTP.
      ...["-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string=n"],
      ...flash("/usr/share/OVMF/OVMF_CODE_4M.fd", "readonly=on,"),
      ...flash(vars),
    ]),
  ];
  for (const what of ["http /boot.ipxe", "tftp loader.efi", "http /loader.efi"]) {
    await until(() => asked.some((line) => line.endsWith(what)), what, 100);
  }
  const nodes = Object.fromEntries(
    asked.map((line) => {
      const [address = ""] = line.split(" ");
      const value = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
      const { mac, architecture } = proxy.nodeAt(value as typeof PROXY) ?? {};
      return [address, mac === undefined ? null : { mac, architecture: architecture ?? -1 }];
    }),
  );
  capture.kill("SIGTERM");
  await once(capture, "exit");
  http.close();
  return { asked, events, nodes, reports, consoles: consoles.map((console) => console()) };
}

try {
  process.stdout.write(`${JSON.stringify(await main())}\n`);
  process.exit(0);
} catch (error) {
  process.stderr.write(`${String(error)}\n${reports.join("\n")}\n`);
  process.exit(1);
}
