import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import process from "node:process";
import { setTimeout } from "node:timers/promises";
import { debianTree } from "../test/e2e/debian.ts";
import { networkCard, startQemu } from "../test/e2e/qemu.ts";
import { openRoom, type Room } from "../test/e2e/served-room.ts";
import { renderTable } from "./table.ts";

/**
 * What one node transfers from its first DISCOVER until it says that it is up: bytes on the wire by protocol, NFS by
 * procedure, and of which files it read most. `node bench/boot-bytes.ts [TREE]`, else with the demonstration's tree; as
 * root, with QEMU, dumpcap and tshark, in a private network. refboot's run `a` took 60 MB.
 */

const BOOT_MS = 900_000;
const FILES_SHOWN = 30;
/** Reads are told by the offsets in a message, which is whole only where all of its frames were seen. */
const CAPTURE_BUFFER_MIB = 64;

/** RFC 1813 §3, by number. */
const procedureNames = [
  ...["NULL", "GETATTR", "SETATTR", "LOOKUP", "ACCESS", "READLINK", "READ", "WRITE", "CREATE"],
  ...["MKDIR", "SYMLINK", "MKNOD", "REMOVE", "RMDIR", "RENAME", "LINK", "READDIR", "READDIRPLUS"],
  ...["FSSTAT", "FSINFO", "PATHCONF", "COMMIT"],
];

const tree = process.argv[2] === undefined ? await debianTree() : resolve(process.argv[2]);
const capture = await boot(tree);
process.stdout.write(`${renderTable(byProtocol(capture))}\n`);
const { procedures, files } = ofNfs(capture);
process.stdout.write(`${renderTable(procedures)}\n${renderTable(files)}`);

/** Answers the file of what was seen. */
async function boot(source: string): Promise<string> {
  await using room = await openRoom({
    exports: { room: { source } },
    boot: { labels: { tmpfs: { append: "console=ttyS0,115200 mitigations=off" } } },
    nodes: [{ mac: "52:54:00:13:20:01", name: "node1", ip: "10.13.20.11" }],
  });
  room.addPort("node1");
  await room.start();
  const file = join(room.work, "boot.pcap");
  const flags = ["-q", "-i", "room0", "-B", String(CAPTURE_BUFFER_MIB), "-w", file];
  const dumpcap = room.namespace.spawn("dumpcap", flags, { stdio: ["ignore", "ignore", "pipe"] });
  await once(dumpcap.stderr ?? dumpcap, "data");
  await using node = startQemu(room.namespace, [
    ...["-m", "1024"],
    ...networkCard("node1", "52:54:00:13:20:01"),
  ]);
  const deadline = performance.now() + BOOT_MS;
  while (stageIn(room) !== "up") {
    if (node.hasEnded() || performance.now() > deadline) throw new Error(node.console());
    await setTimeout(250);
  }
  const ended = once(dumpcap, "exit");
  dumpcap.kill("SIGINT");
  await ended;
  return file;
}

function stageIn(room: Room): string | undefined {
  const { nodes }: { nodes: { stage?: string }[] } = JSON.parse(room.get("/status.json"));
  return nodes[0]?.stage;
}

/** Rows of tshark's fields. */
function fieldsOf(file: string, filter: string, fields: readonly string[]): string[][] {
  const options = ["nfs.file_name_snooping:TRUE", "nfs.file_full_name_snooping:TRUE"];
  const text = execFileSync(
    "tshark",
    [
      ...["-r", file, "-d", "tcp.port==2049,rpc", "-Y", filter],
      ...options.flatMap((option) => ["-o", option]),
      ...["-T", "fields", "-E", "separator=|", "-E", "occurrence=f"],
      ...fields.flatMap((field) => ["-e", field]),
    ],
    { encoding: "utf8", maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "ignore"] },
  );
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.split("|"));
}

function byProtocol(file: string): string[][] {
  const names: Record<string, string> = { 67: "DHCP", 80: "HTTP", 111: "portmapper", 2049: "NFS" };
  const totals = new Map<string, Total>();
  const ports = ["tcp.srcport", "tcp.dstport", "udp.srcport", "udp.dstport"];
  for (const [length, ...of] of fieldsOf(file, "ip", ["frame.len", ...ports])) {
    const name = of.map((port) => names[port]).find((known) => known !== undefined);
    add(totals, name ?? "TFTP", Number(length));
  }
  const all = [...totals.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  return [["protocol", "frames", "MB"], ...rowsOf(totals), ["all", "", megabytes(all)]];
}

function ofNfs(file: string): { procedures: string[][]; files: string[][] } {
  const procedures = new Map<string, Total>();
  const files = new Map<string, Total>();
  const fields = ["rpc.msgtyp", "nfs.procedure_v3", "nfs.count3", "nfs.full_name"];
  for (const [type, procedure = "", count = "", name = ""] of fieldsOf(file, "nfs", fields)) {
    const known = procedureNames[Number(procedure)] ?? procedure;
    if (type === "1") add(procedures, known, Number(count));
    // Calls alone have the handle that tells the name; but at a file's end they get what they ask for.
    else if (known === "READ")
      add(files, name.replace(/^[^/]*\/srv\/nfsroot\/\w+/, "") || "not known", Number(count));
  }
  const most = [...files].sort(([, a], [, b]) => b.bytes - a.bytes).slice(0, FILES_SHOWN);
  return {
    procedures: [["NFS procedure", "calls", "MB read"], ...rowsOf(procedures)],
    files: [["file", "READs", "MB"], ...rowsOf(new Map(most))],
  };
}

interface Total {
  count: number;
  bytes: number;
}

function add(totals: Map<string, Total>, name: string, bytes: number): void {
  const total = totals.get(name) ?? { count: 0, bytes: 0 };
  totals.set(name, { count: total.count + 1, bytes: total.bytes + bytes });
}

function rowsOf(totals: ReadonlyMap<string, Total>): string[][] {
  return [...totals]
    .sort(([, a], [, b]) => b.bytes - a.bytes || b.count - a.count)
    .map(([name, { count, bytes }]) => [name, String(count), megabytes(bytes)]);
}

function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(2);
}
