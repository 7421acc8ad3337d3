import { formatCidr, formatIpv4 } from "../bytes/ipv4.ts";
import type { Reader } from "../bytes/reader.ts";
import { unreachable } from "../bytes/unreachable.ts";
import { FILE_NAME_BYTES_MAX, MOUNT_PATH_BYTES_MAX, RPC_RECORD_BYTES_MAX } from "../limits.ts";
import type { Traffic } from "../net/traffic.ts";
import { type Reply, type RpcCall, successReply } from "../rpc/message.ts";
import type { Later, RpcClient, RpcProgram, RpcResult } from "../rpc/program.ts";
import { isRead, opaqueSize, readString, writeString } from "../rpc/xdr.ts";
import type { Attributes, TreeError } from "../tree/tree.ts";
import type { Tell } from "../watch/events.ts";
import type { Served, ServedExport, ServedExports } from "./exports.ts";
import type { MountEntry, MountList } from "./mounts.ts";
import { HANDLE_XDR_BYTES, writeHandleOf } from "./procedure.ts";

/** MOUNT version 3 (RFC 1813 §5): from a path to the handle to begin with. */
export const MOUNT_PROGRAM = 100_005;
export const MOUNT_VERSION = 3;

const Procedure = { NULL: 0, MNT: 1, DUMP: 2, UMNT: 3, UMNTALL: 4, EXPORT: 5 } as const;
/** RFC 1813 §5.1.5: mountstat3. */
const MountStatus = {
  OK: 0,
  NOENT: 2,
  IO: 5,
  ACCES: 13,
  NOTDIR: 20,
  NAMETOOLONG: 63,
  SERVERFAULT: 10_006,
} as const;
type MountStatus = (typeof MountStatus)[keyof typeof MountStatus];
const AUTH_SYS = 1;

export interface MountDeps {
  readonly exports: () => ServedExports;
  readonly mounts: MountList;
  /** Its calls are added to it. */
  readonly traffic?: Traffic | undefined;
  readonly tell: Tell;
}

export function mountProgram(deps: MountDeps): RpcProgram {
  const { exports, mounts, traffic } = deps;
  return {
    program: MOUNT_PROGRAM,
    version: MOUNT_VERSION,
    traffic,
    call(call, client) {
      const { xid, args } = call;
      switch (call.procedure) {
        case Procedure.NULL:
          return isRead(args) ? nothing(xid) : "garbage-arguments";
        case Procedure.MNT:
          return mount(call, client, deps);
        case Procedure.DUMP:
          return isRead(args) ? dump(xid, mounts.all()) : "garbage-arguments";
        case Procedure.UMNT:
          return unmount(call, client, deps);
        case Procedure.UMNTALL:
          if (!isRead(args)) return "garbage-arguments";
          mounts.change({ kind: "unmounted-all", address: client.address });
          return nothing(xid);
        case Procedure.EXPORT:
          return isRead(args) ? list(xid, exports().all) : "garbage-arguments";
        default:
          return "unknown-procedure";
      }
    },
  };
}

function nothing(xid: number): Reply {
  return successReply(xid, 0).full();
}

/** RFC 1813 §5.1.4: dirpath. One that is too long is read all the same, so that its own status can be answered. */
function readPath(args: Reader): string {
  return readString(args, RPC_RECORD_BYTES_MAX);
}

function mount(call: RpcCall, client: RpcClient, deps: MountDeps): Later<RpcResult> {
  const path = readPath(call.args);
  return isRead(call.args) ? grant(call.xid, path, client, deps) : "garbage-arguments";
}

async function grant(
  xid: number,
  path: string,
  { address }: RpcClient,
  { exports, mounts, tell }: MountDeps,
): Promise<Reply> {
  const refuse = (status: MountStatus): Reply => {
    const outcome = status === MountStatus.ACCES ? "denied" : "missing";
    tell({ kind: "mount", address, path: path.slice(0, MOUNT_PATH_BYTES_MAX), outcome });
    return successReply(xid, 4).u32(status).full();
  };
  if (isTooLong(path)) return refuse(MountStatus.NAMETOOLONG);
  const place = exportOf(path, exports().all);
  if (place === undefined) return refuse(MountStatus.NOENT);
  const { entry, below, pin } = place;
  if (!entry.admits(address)) return refuse(MountStatus.ACCES);
  const from = pin === undefined ? entry.current : await entry.version(...halvesOf(pin));
  if (from === undefined) return refuse(MountStatus.NOENT);
  from.users?.add(address);
  const attributes = await walk(from, below);
  if (typeof attributes === "string") return refuse(statusOf(attributes));
  if (attributes.type !== "directory") return refuse(MountStatus.NOTDIR);
  mounts.change({ kind: "mounted", address, path: plain(place) });
  tell({ kind: "mount", address, path, outcome: "granted" });
  const writer = successReply(xid, 4 + HANDLE_XDR_BYTES + 8).u32(MountStatus.OK);
  writeHandleOf(writer, { from, attributes });
  // auth_flavors: one
  return writer.u32(1).u32(AUTH_SYS).full();
}

/** RFC 1813 §5.2.3: no result, so nothing to complain of. */
function unmount({ xid, args }: RpcCall, client: RpcClient, deps: MountDeps): RpcResult {
  const path = readPath(args);
  if (!isRead(args)) return "garbage-arguments";
  const { address } = client;
  const place = isTooLong(path) ? undefined : exportOf(path, deps.exports().all);
  if (place !== undefined) {
    deps.mounts.change({ kind: "unmounted", address, path: plain(place) });
    deps.tell({ kind: "mount", address, path, outcome: "unmounted" });
  }
  return nothing(xid);
}

function isTooLong(path: string): boolean {
  return (
    path.length > MOUNT_PATH_BYTES_MAX ||
    path.split("/").some((name) => name.length > FILE_NAME_BYTES_MAX)
  );
}

/** What a path leads to: an export, and the names from its root. */
interface Place {
  readonly entry: ServedExport;
  /** `/srv/nfsroot/sidus@0123456789abcdef`: the version whose identity it is, whichever is the current one. */
  readonly pin: string | undefined;
  readonly below: readonly string[];
}

/** The one spelling that is remembered, whatever others a directory is mounted by. */
function plain({ entry, below, pin }: Place): string {
  const names: string[] = [];
  for (const name of below) {
    if (name === "..") names.pop();
    else names.push(name);
  }
  const path = namesOf(pathOf(entry)).join("/");
  return `/${[pin === undefined ? path : `${path}@${pin}`, ...names].join("/")}`;
}

/** The export with the longest path that begins this one, and the names that follow. */
function exportOf(path: string, all: readonly ServedExport[]): Place | undefined {
  const names = namesOf(path);
  let best: (Place & { readonly length: number }) | undefined;
  for (const entry of all) {
    const own = namesOf(pathOf(entry));
    const pin = pinIn(names[own.length - 1] ?? "", own.at(-1) ?? "");
    const isAbove = own.every(
      (name, at) => name === names[at] || (pin !== undefined && at === own.length - 1),
    );
    if (isAbove && own.length >= (best?.length ?? 0)) {
      best = { entry, pin, below: names.slice(own.length), length: own.length };
    }
  }
  return best;
}

function pinIn(name: string, own: string): string | undefined {
  const pin = name.slice(own.length + 1);
  return name === `${own}@${pin}` && /^[0-9a-f]{16}$/.test(pin) ? pin : undefined;
}

function halvesOf(pin: string): [number, number] {
  return [Number.parseInt(pin.slice(0, 8), 16), Number.parseInt(pin.slice(8), 16)];
}

/** As it is on the wire: a character a byte. */
function pathOf({ export: { path } }: ServedExport): string {
  return Buffer.from(path, "utf8").toString("latin1");
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
function dump(xid: number, mounts: readonly MountEntry[]): Reply {
  const entries = mounts.map(({ address, path }) => ({ host: formatIpv4(address), path }));
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
  return writer.u32(0).full();
}

/** RFC 1813 §5.2.5: exports, a linked list of paths, each with a linked list of who may mount it. */
function list(xid: number, all: readonly ServedExport[]): Reply {
  const entries = all.map((served) => ({
    path: pathOf(served),
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
  return writer.u32(0).full();
}
