import { formatCidr, formatIpv4 } from "../bytes/ipv4.ts";
import { unreachable } from "../bytes/unreachable.ts";
import { PATH_BYTES_MAX } from "../limits.ts";
import { type Reply, type RpcCall, successReply } from "../rpc/message.ts";
import type { Later, RpcClient, RpcProgram, RpcResult } from "../rpc/program.ts";
import { isRead, opaqueSize, readString, writeString } from "../rpc/xdr.ts";
import type { Attributes, TreeError } from "../tree/tree.ts";
import type { Tell } from "../watch/events.ts";
import type { Served, ServedExports } from "./exports.ts";
import { Mounts } from "./mounts.ts";
import { HANDLE_XDR_BYTES, writeHandleOf } from "./procedure.ts";

/** MOUNT version 3 (RFC 1813 §5): from a path to the handle to begin with. */
export const MOUNT_PROGRAM = 100_005;
export const MOUNT_VERSION = 3;

const Procedure = { NULL: 0, MNT: 1, DUMP: 2, UMNT: 3, UMNTALL: 4, EXPORT: 5 } as const;
/** RFC 1813 §5.1.5: mountstat3. */
const MountStatus = { OK: 0, NOENT: 2, IO: 5, ACCES: 13, NOTDIR: 20, SERVERFAULT: 10_006 } as const;
type MountStatus = (typeof MountStatus)[keyof typeof MountStatus];
const AUTH_SYS = 1;

export function mountProgram(exports: () => ServedExports, tell: Tell): RpcProgram {
  const mounts = new Mounts();
  return {
    program: MOUNT_PROGRAM,
    version: MOUNT_VERSION,
    call(call, client) {
      const { xid, args } = call;
      switch (call.procedure) {
        case Procedure.NULL:
          return isRead(args) ? [successReply(xid, 0).finish()] : "garbage-arguments";
        case Procedure.MNT:
          return mount(call, client, { exports: exports(), mounts, tell });
        case Procedure.DUMP:
          return isRead(args) ? dump(xid, mounts) : "garbage-arguments";
        case Procedure.UMNT: {
          const path = readString(args, PATH_BYTES_MAX);
          if (!isRead(args)) return "garbage-arguments";
          mounts.remove({ address: client.address, path });
          tell({ kind: "mount", address: client.address, path, outcome: "unmounted" });
          return [successReply(xid, 0).finish()];
        }
        case Procedure.UMNTALL:
          if (!isRead(args)) return "garbage-arguments";
          mounts.removeAll(client.address);
          return [successReply(xid, 0).finish()];
        case Procedure.EXPORT:
          return isRead(args) ? list(xid, exports().all) : "garbage-arguments";
        default:
          return "unknown-procedure";
      }
    },
  };
}

interface MountDeps {
  readonly exports: ServedExports;
  readonly mounts: Mounts;
  readonly tell: Tell;
}

function mount(call: RpcCall, client: RpcClient, deps: MountDeps): Later<RpcResult> {
  const path = readString(call.args, PATH_BYTES_MAX);
  if (!isRead(call.args)) return "garbage-arguments";
  return grant(call.xid, path, client, deps);
}

async function grant(
  xid: number,
  path: string,
  { address }: RpcClient,
  { exports, mounts, tell }: MountDeps,
): Promise<Reply> {
  const refuse = (status: MountStatus): Reply => {
    const outcome = status === MountStatus.ACCES ? "denied" : "missing";
    tell({ kind: "mount", address, path, outcome });
    return [successReply(xid, 4).u32(status).finish()];
  };
  const place = exportOf(path, exports.all);
  if (place === undefined) return refuse(MountStatus.NOENT);
  const { from, below } = place;
  if (!from.admits(address)) return refuse(MountStatus.ACCES);
  const attributes = await walk(from, below);
  if (typeof attributes === "string") return refuse(statusOf(attributes));
  if (attributes.type !== "directory") return refuse(MountStatus.NOTDIR);
  mounts.add({ address, path });
  tell({ kind: "mount", address, path, outcome: "granted" });
  const writer = successReply(xid, 4 + HANDLE_XDR_BYTES + 8).u32(MountStatus.OK);
  writeHandleOf(writer, { from, attributes });
  // auth_flavors: one
  return [writer.u32(1).u32(AUTH_SYS).finish()];
}

/** The export with the longest path that begins this one, and the names that follow. */
function exportOf(
  path: string,
  all: readonly Served[],
): { from: Served; below: readonly string[] } | undefined {
  const names = namesOf(path);
  let best: { from: Served; below: readonly string[]; length: number } | undefined;
  for (const from of all) {
    const own = namesOf(Buffer.from(from.export.path, "utf8").toString("latin1"));
    const isAbove = own.length <= names.length && own.every((name, at) => name === names[at]);
    if (isAbove && own.length >= (best?.length ?? 0)) {
      best = { from, below: names.slice(own.length), length: own.length };
    }
  }
  return best;
}

/** `//srv/./nfsroot/` is `/srv/nfsroot`. */
function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

/** Name by name from the root of the tree; symbolic links are not followed, and `..` ends at the root. */
async function walk({ tree }: Served, names: readonly string[]): Promise<Attributes | TreeError> {
  let here = await tree.attributes(tree.root);
  for (const name of names) {
    if (typeof here === "string") return here;
    here = await tree.lookup(here.id, name);
  }
  return here;
}

function statusOf(error: TreeError): MountStatus {
  switch (error) {
    case "not-found":
    case "stale":
      return MountStatus.NOENT;
    case "not-directory":
      return MountStatus.NOTDIR;
    case "denied":
      return MountStatus.ACCES;
    case "io":
      return MountStatus.IO;
    case "not-file":
    case "not-symlink":
    case "bad-cookie":
      return MountStatus.SERVERFAULT;
    default:
      return unreachable(error);
  }
}

/** RFC 1813 §5.2.2: mountlist, a linked list. */
function dump(xid: number, mounts: Mounts): Reply {
  const entries = mounts.all().map(({ address, path }) => ({ host: formatIpv4(address), path }));
  let bytes = 4;
  for (const { host, path } of entries) {
    bytes += 4 + opaqueSize(host.length) + opaqueSize(path.length);
  }
  const writer = successReply(xid, bytes);
  for (const { host, path } of entries) {
    writer.u32(1);
    writeString(writer, host);
    writeString(writer, path);
  }
  return [writer.u32(0).finish()];
}

/** RFC 1813 §5.2.5: exports, a linked list of paths, each with a linked list of who may mount it. */
function list(xid: number, all: readonly Served[]): Reply {
  const entries = all.map((served) => ({
    path: Buffer.from(served.export.path, "utf8").toString("latin1"),
    groups: served.export.clients.map(formatCidr),
  }));
  let bytes = 4;
  for (const { path, groups } of entries) {
    bytes += 4 + opaqueSize(path.length) + 4;
    for (const group of groups) bytes += 4 + opaqueSize(group.length);
  }
  const writer = successReply(xid, bytes);
  for (const { path, groups } of entries) {
    writer.u32(1);
    writeString(writer, path);
    for (const group of groups) {
      writer.u32(1);
      writeString(writer, group);
    }
    writer.u32(0);
  }
  return [writer.u32(0).finish()];
}
