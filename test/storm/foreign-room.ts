import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { crc32 } from "node:zlib";
import { formatIpv4, type Ipv4, ipv4 } from "../../src/bytes/ipv4.ts";
import { isMalformed } from "../../src/bytes/malformed.ts";
import { decodePacket } from "../../src/dhcp/packet.ts";
import { serveDhcp } from "../../src/dhcp/server.ts";
import { systemClock } from "../../src/net/clock.ts";
import type { Fetched } from "../../src/storm/content.ts";
import { DhcpClient } from "../../src/storm/dhcp/client.ts";
import { nodeOfXid } from "../../src/storm/dhcp/message.ts";
import { openRelay } from "../../src/storm/dhcp/relay.ts";
import { HttpClient } from "../../src/storm/http/client.ts";
import { tftpFetch } from "../../src/storm/tftp/fetch.ts";
import type { DhcpDeed, FileDeed } from "../../src/storm/trace/trace.ts";
import { address, MemoryStore, numberedMac, rangeOf, settingsWith } from "../dhcp/messages.ts";
import { pattern } from "../tftp/files.ts";
import { firstIsRight, RecordingTally } from "./recording-tally.ts";

/**
 * Run by foreign.test.ts in a network namespace of its own: servers that others wrote, and our simulated nodes' clients.
 *
 *   this namespace                                    the servers'
 *   rel0 10.13.1.1, the relay ───────────────────── srv0 10.13.0.1
 *   lo   10.13.128.0/17: nodes have addresses of their own; 10.13.2.1: our DHCP server
 *
 * Prints one line of JSON: a Report.
 */

export interface Report {
  /** By server; the nodes' addresses, or why there is none. */
  readonly dhcp: Record<string, readonly string[]>;
  /** `dnsmasq big`: bytes, or the failure. */
  readonly tftp: Record<string, string>;
  readonly http: Record<string, string>;
  readonly complaints: readonly string[];
  readonly differences: readonly string[];
  readonly verifiedBytes: number;
}

const NODES = 20;
const SERVER = address("10.13.0.1");
const RELAY = address("10.13.1.1");
const [, , work = "."] = process.argv;
const files = join(work, "files");
const children: ChildProcess[] = [];
process.on("exit", () => {
  for (const child of children) child.kill("SIGKILL");
});

const tally = new RecordingTally();
const expectations = firstIsRight();

function start(command: string, args: readonly string[], env = {}): ChildProcess {
  const log = ["ignore", "pipe", "pipe"] as const;
  const child = spawn(command, args, { stdio: [...log], env: { ...process.env, ...env } });
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text) => said.push(`${text}`));
  children.push(child);
  return child;
}

const said: string[] = [];

async function ip(words: string): Promise<void> {
  const [code] = await once(start("ip", words.split(" ")), "exit");
  if (code !== 0) throw new Error(`ip ${words}: ${said.join("")}`);
}

/** Of the namespace where the servers are; 0: this one. */
let there = 0;

function serve(command: string, args: readonly string[], env = {}): ChildProcess {
  return start("nsenter", ["-t", String(there), "-n", command, ...args], env);
}

async function lay(): Promise<void> {
  const inside = start("unshare", ["--net", "sh", "-c", "echo ready; exec sleep 300"]);
  await once(inside.stdout ?? process.stdin, "data");
  there = inside.pid ?? 0;
  await ip("link set lo up");
  await ip("link add rel0 type veth peer name srv0");
  await ip(`link set srv0 netns ${there}`);
  await ip("address add 10.13.1.1/16 dev rel0");
  await ip("link set rel0 up");
  await ip("address add 10.13.2.1/32 dev lo");
  await ip("route add local 10.13.128.0/17 dev lo");
  for (const words of ["address add 10.13.0.1/16 dev srv0", "link set srv0 up", "link set lo up"]) {
    await once(serve("ip", words.split(" ")), "exit");
  }
  mkdirSync(files);
  for (const [name, size] of [
    ["big", 300_000],
    ["even", 512 * 40],
    ["empty", 0],
  ] as const) {
    const bytes = pattern(size);
    writeFileSync(join(files, name), bytes);
    expectations.checkCrc(name, 0, size, crc32(bytes));
  }
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
}

/** A socket that is bound, by its entry in /proc/net: `0A0D0001:0045` as the kernel writes it. */
async function until(kind: "udp" | "tcp", port: number, pid = there): Promise<void> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  for (let tries = 0; tries < 200; tries += 1) {
    if (readFileSync(`/proc/${pid}/net/${kind}`, "latin1").includes(suffix)) return;
    await sleep(50);
  }
  throw new Error(`nobody at ${kind} port ${port}: ${said.join("")}`);
}

const deed: DhcpDeed = {
  kind: "dhcp",
  client: "pxe",
  flags: 0,
  discover: [
    { code: 55, value: "0103060c0f11424361" },
    { code: 60, value: Buffer.from("PXEClient:Arch:00000:UNDI:002001").toString("hex") },
    { code: 61, value: "01525400132001" },
    { code: 93, value: "0000" },
    { code: 97, value: `00${"ab".repeat(16)}` },
  ],
  request: [{ code: 61, value: "01525400132001" }],
  think: 0,
};

/** All nodes at once, through one relay. */
async function leases(server: Ipv4): Promise<Ipv4[]> {
  const clients: DhcpClient[] = [];
  await using relay = await openRelay({
    local: { address: RELAY, port: 67 },
    servers: [{ address: server, port: 67 }],
    reply(xid, datagram) {
      const packet = decodePacket(datagram);
      if (!isMalformed(packet)) clients[nodeOfXid(xid)]?.receive(packet);
    },
    report: (what, error) => said.push(`${what}: ${error}`),
  });
  const all = Array.from({ length: NODES }, (_, index) => {
    const client = new DhcpClient({
      identity: {
        index,
        name: `n${index}`,
        mac: numberedMac(index + 1),
        uuid: new Uint8Array(16).fill(index + 1),
      },
      send: (datagram) => relay.send(datagram),
      clock: systemClock,
      random: () => 0.5,
      relay: RELAY,
      tally,
      patienceMs: 20_000,
    });
    clients.push(client);
    return new Promise<Ipv4>((resolve, reject) => {
      client.run(deed, 0, (failure, lease) => {
        if (lease === undefined) reject(new Error(`${failure}\n${said.join("")}`));
        else resolve(lease.address);
      });
    });
  });
  return await Promise.all(all);
}

async function dhcp(): Promise<Report["dhcp"]> {
  const found: Record<string, readonly string[]> = {};
  const ask = async (name: string, server = SERVER): Promise<void> => {
    await until("udp", 67, server === SERVER ? there : process.pid);
    found[name] = (await leases(server)).map(formatIpv4);
  };
  const plain = [
    "--no-daemon",
    "--conf-file=/dev/null",
    "--port=0",
    "--leasefile-ro",
    "--pid-file=",
  ];
  const range = "--dhcp-range=10.13.128.0,10.13.255.250,255.255.0.0,1h";
  const dnsmasq = serve("dnsmasq", [...plain, range, "--no-ping", "--user="]);
  await ask("dnsmasq");
  await end(dnsmasq);

  writeFileSync(join(work, "kea.json"), JSON.stringify(keaConfiguration()));
  // Where it is installed, AppArmor lets it read its own directories only.
  const kea = join(work, "kea-dhcp4");
  copyFileSync("/usr/sbin/kea-dhcp4", kea);
  const places = { KEA_PIDFILE_DIR: work, KEA_LOCKFILE_DIR: "none" };
  const running = serve(kea, ["-c", join(work, "kea.json")], places);
  await ask("kea");
  await end(running);

  const settings = settingsWith({
    serverAddress: address("10.13.2.1"),
    network: { network: address("10.13.0.0"), prefix: 16 },
    ranges: [rangeOf("10.13.128.0", 1000)],
  });
  const ours = await serveDhcp({
    settings: () => settings,
    clock: systemClock,
    store: new MemoryStore(),
    tell: () => {},
    report: (what, error) => said.push(`${what}: ${error}`),
    isPresent: () => false,
    learn: () => {},
    warn: () => {},
    ports: { server: 67, client: 68 },
  });
  await ask("sidus", settings.serverAddress);
  await ours[Symbol.asyncDispose]();
  return found;
}

function keaConfiguration(): object {
  return {
    Dhcp4: {
      "interfaces-config": { interfaces: ["srv0"], "dhcp-socket-type": "udp" },
      "lease-database": { type: "memfile", persist: false },
      subnet4: [{ subnet: "10.13.0.0/16", pools: [{ pool: "10.13.128.0-10.13.255.250" }] }],
      loggers: [{ name: "kea-dhcp4", output_options: [{ output: "stderr" }], severity: "WARN" }],
    },
  };
}

const common = { clock: systemClock, tally, expectations, patienceMs: 20_000 };

type Ask = (path: string, key: string, ends: FileDeed["ends"]) => Promise<string>;

async function fetchAll(name: string, into: Record<string, string>, ask: Ask): Promise<void> {
  for (const path of ["big", "even", "empty"])
    into[`${name} ${path}`] = await ask(path, path, "whole");
  into[`${name} missing`] = await ask("missing", "missing", "missing");
  into[`${name} size`] = await ask("big", "big", "size");
  // All nodes at once.
  const all = await Promise.all(Array.from({ length: NODES }, () => ask("big", "big", "whole")));
  into[`${name} ${NODES} at once`] = [...new Set(all)].join();
}

function outcome(failure: string | undefined, fetched: Fetched | undefined): string {
  return failure ?? String(fetched?.bytes);
}

async function tftp(): Promise<Report["tftp"]> {
  const found: Record<string, string> = {};
  const plain = ["--no-daemon", "--conf-file=/dev/null", "--port=0", "--pid-file=", "--user="];
  const dnsmasq = serve("dnsmasq", [...plain, "--enable-tftp", `--tftp-root=${files}`]);
  const hpa = ["--foreground", "--listen", "--user", "root", "--address", "10.13.0.1:6969", files];
  const tftpd = serve("in.tftpd", hpa);
  await until("udp", 69);
  await until("udp", 6969);
  let node = 0;
  for (const [name, port, prefix] of [
    ["dnsmasq", 69, ""],
    ["tftpd-hpa", 6969, `${files}/`],
  ] as const) {
    for (const [kind, options] of [
      ["plain", []],
      [
        "lock-step",
        [
          ["tsize", "0"],
          ["blksize", "1408"],
        ],
      ],
      [
        "windows",
        [
          ["tsize", "0"],
          ["blksize", "1428"],
          ["windowsize", "4"],
        ],
      ],
    ] as const) {
      await fetchAll(`${name} ${kind}`, found, (path, key, ends) => {
        node += 1;
        const from = { address: ipv4(address("10.13.128.0") + node) };
        return new Promise((resolve) => {
          const server = { address: SERVER, port };
          const done = (failure: string | undefined, fetched?: Fetched): void =>
            resolve(outcome(failure, fetched));
          const wanted = kind === "plain" && ends === "size" ? "whole" : ends;
          const asked = { path: `${prefix}${path}`, options, ends: wanted };
          tftpFetch({ ...common, server, from, deed: asked, key, done });
        });
      });
    }
  }
  await end(dnsmasq);
  await end(tftpd);
  return found;
}

async function http(): Promise<Report["http"]> {
  const found: Record<string, string> = {};
  const busybox = serve("busybox", ["httpd", "-f", "-p", "10.13.0.1:8080", "-h", files]);
  await until("tcp", 8080);
  for (const isKept of [true, false]) {
    let node = 0;
    await fetchAll(isKept ? "kept" : "each", found, (path, key, ends) => {
      node += 1;
      const from = { address: ipv4(address("10.13.128.0") + node) };
      const client = new HttpClient({ ...common, from, isKept });
      return new Promise((resolve) => {
        client.fetch({
          method: "GET",
          server: { address: SERVER, port: 8080 },
          path: `/${path}`,
          ends,
          key,
          done(failure, fetched) {
            client[Symbol.dispose]();
            resolve(outcome(failure, fetched));
          },
        });
      });
    });
  }
  await end(busybox);
  return found;
}

await lay();
const report: Report = {
  dhcp: await dhcp(),
  tftp: await tftp(),
  http: await http(),
  complaints: tally.complaints,
  differences: tally.differences,
  verifiedBytes: tally.verifiedBytes,
};
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exit(0);
