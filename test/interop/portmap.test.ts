import { type ChildProcess, execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { addServerInterface, type Namespace, openNamespace } from "../namespace.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf, type Served, serveIn, smallTree } from "../sidus.ts";

/** What others' clients make of the portmapper and MOUNT, at the standard ports of a private network. */

const lacking = lackingOf(
  "ip",
  "nsenter",
  "dumpcap",
  "tshark",
  "nfs-ls",
  "/usr/sbin/rpcinfo",
  "/usr/sbin/showmount",
);
const HOST = "10.13.20.1";

describe.skipIf(lacking !== undefined)(title("rpcinfo, showmount and libnfs", lacking), () => {
  const tree = directoryOf(smallTree);
  const work = directoryOf({});
  const pcap = join(work, "all.pcap");
  let namespace: Namespace;
  let served: Served;
  let capture: ChildProcess;

  beforeAll(async () => {
    namespace = await openNamespace();
    addServerInterface(namespace, "room0", `${HOST}/24`);
    const config = join(work, "sidus.yaml");
    writeFileSync(
      config,
      `interface: room0
state: ${work}/state
dhcp: { range: 10.13.20.50-10.13.20.99 }
exports:
  sidus: { source: ${tree} }
  closed: { source: ${tree}, clients: [192.0.2.0/24, 198.51.100.7/32] }
`,
    );
    served = await serveIn(namespace, config, join(work, "ready"));
    // Of the machine's own addresses, packets take the loopback.
    capture = namespace.spawn("dumpcap", ["-q", "-P", "-i", "lo", "-w", pcap], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (capture.stderr === null) throw new Error("dumpcap says nothing");
    for await (const said of capture.stderr.iterator({ destroyOnReturn: false })) {
      if (String(said).includes("File:")) break;
    }
  });

  afterAll(async () => {
    capture?.kill("SIGKILL");
    await served?.[Symbol.asyncDispose]();
    await namespace?.[Symbol.asyncDispose]();
    for (const directory of [tree, work]) rmSync(directory, { recursive: true });
  });

  /** Exit status, and lines without the blanks that make columns. */
  function ask(command: string, ...args: string[]): { status: number | null; lines: string[] } {
    const [program = "", ...enter] = namespace.enter;
    const { status, stdout, stderr } = spawnSync(program, [...enter, command, ...args], {
      encoding: "utf8",
      timeout: 20_000,
    });
    const lines = `${stdout}${stderr}`.split("\n").map((line) => line.trim().replace(/\s+/g, " "));
    return { status, lines: lines.filter((line) => line !== "") };
  }

  const rpcinfo = (...args: string[]) => ask("/usr/sbin/rpcinfo", ...args);
  const showmount = (...args: string[]) =>
    ask("/usr/sbin/showmount", "--no-headers", ...args, HOST);
  const ready = (program: number, ...versions: number[]) => ({
    status: 0,
    lines: versions.map((version) => `program ${program} version ${version} ready and waiting`),
  });

  test("rpcinfo -p: version 2 lists all programs", () => {
    expect(rpcinfo("-p", HOST).lines).toEqual([
      "program vers proto port service",
      "100000 4 tcp 111 portmapper",
      "100000 3 tcp 111 portmapper",
      "100000 2 tcp 111 portmapper",
      "100000 4 udp 111 portmapper",
      "100000 3 udp 111 portmapper",
      "100000 2 udp 111 portmapper",
      "100003 3 tcp 2049 nfs",
      "100005 3 tcp 2049 mountd",
    ]);
  });

  test("rpcinfo and rpcinfo -s: versions 3 and 4 list the same", () => {
    expect(rpcinfo(HOST).lines.slice(-2)).toEqual([
      `100003 3 tcp ${HOST}.8.1 nfs sidus`,
      `100005 3 tcp ${HOST}.8.1 mountd sidus`,
    ]);
    expect(rpcinfo("-s", HOST).lines.slice(1)).toEqual([
      "100000 2,3,4 udp,tcp portmapper sidus",
      "100003 3 tcp nfs sidus",
      "100005 3 tcp mountd sidus",
    ]);
  });

  test("rpcinfo -T: what was found answers there, whatever version it is asked for", () => {
    expect(rpcinfo("-T", "tcp", HOST, "nfs", "3")).toEqual(ready(100_003, 3));
    expect(rpcinfo("-T", "tcp", HOST, "nfs")).toEqual(ready(100_003, 3));
    expect(rpcinfo("-t", HOST, "mountd")).toEqual(ready(100_005, 3));
    expect(rpcinfo("-T", "tcp", HOST, "portmapper")).toEqual(ready(100_000, 2, 3, 4));
    expect(rpcinfo("-T", "udp", HOST, "portmapper")).toEqual(ready(100_000, 2, 3, 4));
    expect(rpcinfo("-u", HOST, "portmapper", "2")).toEqual(ready(100_000, 2));
  });

  test("rpcinfo -T udp: NFS, MOUNT and what is nowhere are not registered", () => {
    for (const program of ["nfs", "mountd", "nlockmgr"]) {
      const { status, lines } = rpcinfo("-T", "udp", HOST, program, "3");
      expect(status).not.toBe(0);
      expect(lines.join()).toContain("Program not registered");
    }
    expect(rpcinfo("-T", "tcp", HOST, "nlockmgr", "4").lines.join()).toContain("not registered");
  });

  test("rpcinfo -l: the transports of one version", () => {
    expect(rpcinfo("-l", HOST, "portmapper", "4").lines.slice(1)).toEqual([
      `100000 4 inet/tcp/cots_ord ${HOST}.0.111 portmapper`,
      `100000 4 inet/udp/clts ${HOST}.0.111 portmapper`,
    ]);
    expect(rpcinfo("-l", "-T", "tcp", HOST, "nfs", "3").lines.slice(1)).toEqual([
      `100003 3 inet/tcp/cots_ord ${HOST}.8.1 nfs`,
    ]);
  });

  test("showmount -e: exports and networks", () => {
    expect(showmount("-e").lines).toEqual([
      "/srv/nfsroot/sidus 10.13.20.0/24",
      "/srv/nfsroot/closed 192.0.2.0/24,198.51.100.7/32",
    ]);
  });

  test("nfs-ls finds its way from the portmapper; showmount -a and -d see what it mounted", () => {
    expect(showmount("-a").lines).toEqual([]);
    const { status, lines } = ask("nfs-ls", `nfs://${HOST}/srv/nfsroot/sidus/boot`);
    expect(status).toBe(0);
    expect(lines.map((line) => line.split(" ").at(-1)).sort()).toEqual([
      "initrd.img-6.1.0-1-amd64",
      "vmlinuz-6.1.0-1-amd64",
    ]);
    expect(showmount("-a").lines).toEqual([`${HOST}:/srv/nfsroot/sidus/boot`]);
    expect(showmount("-d").lines).toEqual(["/srv/nfsroot/sidus/boot"]);
    expect(showmount().lines).toEqual([HOST]);
  });

  test("nfs-ls is told what it may not have: MNT3ERR_ACCES, NOENT, NOTDIR", () => {
    const refusal = (path: string): string =>
      ask("nfs-ls", `nfs://${HOST}/srv/nfsroot/${path}`).lines.join();
    expect(refusal("closed")).toContain("MNT3ERR_ACCES");
    expect(refusal("sidus/none")).toContain("MNT3ERR_NOENT");
    expect(refusal("sidus/etc/hostname")).toContain("MNT3ERR_NOTDIR");
  });

  test("tshark finds nothing malformed in all of that", async () => {
    // What is still in the kernel's ring when dumpcap ends is lost.
    await expect.poll(() => readFileSync(pcap).includes("sidus/etc/hostname")).toBe(true);
    const ended = once(capture, "exit");
    capture.kill("SIGINT");
    await ended;
    // Clients call from any reserved port: what tshark takes for that port's own protocol is RPC.
    const as = ["tcp", "udp"].flatMap((layer) => ["-o", `${layer}.try_heuristic_first:TRUE`]);
    const read = (filter: string): string[] =>
      execFileSync("tshark", [...as, "-r", pcap, "-Y", filter], { encoding: "utf8", stdio: "pipe" })
        .split("\n")
        .filter(Boolean);
    expect(read("_ws.malformed || _ws.expert.severity == error")).toEqual([]);
    expect(read("portmap && udp").length).toBeGreaterThan(10);
    expect(read("portmap && tcp").length).toBeGreaterThan(20);
    expect(read("mount").length).toBeGreaterThan(10);
  });
});
