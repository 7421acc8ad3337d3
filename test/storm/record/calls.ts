import type { Trace } from "../../../src/storm/trace/trace.ts";

/** What tshark says that a boot asked for: `fixtures/traces/calls.sh`, a line a packet. */
export interface JudgedPacket {
  readonly seconds: number;
  /** Column by its name; several calls' values in turn. */
  values(column: string): readonly string[];
}

export function judgedPackets(tsv: string): JudgedPacket[] {
  const [head = "", ...lines] = tsv.trimEnd().split("\n");
  const columns = head.split("\t");
  return lines.map((line) => {
    const fields = line.split("\t");
    const values = (column: string): string[] =>
      (fields[columns.indexOf(column)] ?? "").split(";").filter((value) => value !== "");
    return { seconds: Number(fields[0]), values };
  });
}

/** A call in few words, of tshark's decoding and of a trace alike: what the node asked for, in its order. */
export function judgedCalls(packets: readonly JudgedPacket[]): string[] {
  return packets.flatMap((packet) => {
    const [type] = packet.values("dhcp.option.dhcp");
    if (type !== undefined) return `dhcp ${type}`;
    const [file] = packet.values("tftp.source_file");
    if (file !== undefined) return `tftp ${file}`;
    const [method, uri] = [
      packet.values("http.request.method")[0],
      packet.values("http.request.uri")[0],
    ];
    if (method !== undefined) return `http ${method} ${uri}`;
    if (packet.values("iscsi.opcode").length > 0) return scsiCalls(packet);
    return rpcCalls(packet);
  });
}

function scsiCalls(packet: JudgedPacket): string[] {
  const bytes = [...packet.values("iscsi.scsicommand.expecteddatatransferlength")];
  const codes = [...packet.values("scsi_sbc.opcode"), ...packet.values("scsi.spc.opcode")];
  const opcodes = packet.values("iscsi.opcode");
  // Where there are blocks' commands and others in one packet, their order cannot be told from the columns.
  const isMixed = packet.values("scsi_sbc.opcode").length % codes.length !== 0;
  return opcodes.flatMap((opcode) => {
    if (opcode === "0x03") return "login";
    if (opcode !== "0x01") return [];
    return `scsi ${isMixed ? "?" : Number(codes.shift())} ${bytes.shift()}`;
  });
}

const NFS = "100003";
const PORTMAP = "100000";

function rpcCalls(packet: JudgedPacket): string[] {
  const programs = packet.values("rpc.program");
  const [offsets, counts] = [[...packet.values("nfs.offset3")], [...packet.values("nfs.count3")]];
  const accesses = [...packet.values("nfs.access_check")];
  return packet.values("rpc.procedure").map((procedure, index) => {
    const program = programs[index];
    if (program === PORTMAP) return `portmap ${packet.values("portmap.prog")[0]}`;
    if (program !== NFS) return `${program} ${procedure}`;
    if (procedure === "4") return `nfs 4 ${Number(accesses.shift())}`;
    if (procedure === "6") return `nfs 6 ${offsets.shift()} ${counts.shift()}`;
    return `nfs ${procedure}`;
  });
}

/** RFC 1813 §3.3, in its order. */
const procedures: readonly string[] = [
  "null getattr setattr lookup access readlink read write create mkdir symlink",
  "mknod remove rmdir rename link readdir readdirplus fsstat fsinfo pathconf commit",
].flatMap((names) => names.split(" "));

/** A DHCP deed is the DISCOVER, and the REQUEST where it ends: the kernel's and the firmware's are never mixed with others. */
export function tracedCalls({ steps }: Trace): string[] {
  return steps.flatMap(({ deed }) => {
    switch (deed.kind) {
      case "dhcp":
        return ["dhcp 1", "dhcp 3"];
      case "tftp":
        return `tftp ${deed.path}`;
      case "http":
        return `http GET ${deed.path}`;
      case "up":
        return "http POST /up";
      case "portmap":
        return `portmap ${deed.program}`;
      case "mount":
        return "100005 1";
      case "login":
        return "login";
      case "scsi": {
        const { cdb, bytes } = deed.command;
        return `scsi ${Number.parseInt(cdb.slice(0, 2), 16)} ${bytes}`;
      }
      default: {
        const { call } = deed;
        if (call.op === "acl-null") return "100227 0";
        if (call.op === "getacl") return "100227 1";
        const name = `nfs ${procedures.indexOf(call.op)}`;
        if (call.op === "access") return `${name} ${call.access}`;
        return call.op === "read" ? `${name} ${call.offset} ${call.count}` : name;
      }
    }
  });
}
