import type { Reader } from "../../bytes/reader.ts";
import { unreachable } from "../../bytes/unreachable.ts";
import { FILE_NAME_BYTES_MAX } from "../../limits.ts";
import { readBool, readOpaque, readString } from "../../rpc/xdr.ts";
import type { FileId, NfsCall } from "../trace/trace.ts";
import type { Event } from "./event.ts";
import type { FileFacts, FileTable } from "./file-table.ts";
import { type Exchange, exchangesOf } from "./rpc.ts";
import type { Stream } from "./streams.ts";

/** NFS version 3 (RFC 1813) and NFSACL beside it, as a client's connection shows them → calls of a trace. */

const NFS = 100_003;
const NFSACL = 100_227;
const VERSION = 3;
/** RFC 1813 §2.4 */
const HANDLE_BYTES_MAX = 64;
const COOKIE_VERIFIER_BYTES = 8;
/** RFC 1813 §2.5: of fattr3, what is between its type and its size, and what is behind that. */
const BEFORE_SIZE_BYTES = 16;
const BEHIND_SIZE_BYTES = 56;
/** RFC 1813 §2.5: ftype3. */
const types = ["other", "file", "directory", "other", "other", "link"] as const;

/** RFC 1813 §3.3, without those that write: they have no place in a trace. */
const procedures = new Map<number, NfsCall["op"]>([
  [0, "null"],
  [1, "getattr"],
  [3, "lookup"],
  [4, "access"],
  [5, "readlink"],
  [6, "read"],
  [16, "readdir"],
  [17, "readdirplus"],
  [18, "fsstat"],
  [19, "fsinfo"],
  [20, "pathconf"],
]);

const aclProcedures = new Map<number, NfsCall["op"]>([
  [0, "acl-null"],
  [1, "getacl"],
]);

const programs = new Map([
  [NFS, procedures],
  [NFSACL, aclProcedures],
]);

/**
 * In the order of the calls. `files` must know the root's handle (MNT), and learns all others here. Left out, and `other`
 * is told why: other versions, what writes, and calls on files that the recording has no name for.
 */
export function nfsEventsOf(
  stream: Stream,
  files: FileTable,
  other: (why: string) => void = () => {},
): readonly Event[] {
  const events: Event[] = [];
  for (const exchange of exchangesOf(stream)) {
    const { sentAt, endedAt, program, version, procedure } = exchange;
    const known = programs.get(program);
    if (known === undefined) continue;
    const op = version === VERSION ? known.get(procedure) : undefined;
    const call = op && callOf(op, exchange, files);
    if (call !== undefined) events.push({ sentAt, endedAt, deed: { kind: "nfs", call } });
    else if (version !== VERSION) other(`of version ${version}, not ${VERSION} (nfsvers=3)`);
    else if (op === undefined) other("that change what is served");
    else other("on files whose names came before the capture, or that are damaged");
  }
  return events;
}

function callOf(op: NfsCall["op"], exchange: Exchange, files: FileTable): NfsCall | undefined {
  const { call, reply } = exchange;
  if (op === "null" || op === "acl-null") return { op, file: files.rootFile };
  const handle = readOpaque(call, HANDLE_BYTES_MAX);
  if (op === "lookup") return lookupOf(handle, call, reply, files);
  if (reply !== undefined) learn(op === "getattr", handle, reply, files);
  if (op === "readdirplus" && reply !== undefined) learnEntries(handle, reply, files);
  const file = call.failed ? undefined : files.fileOf(handle);
  if (file === undefined) return undefined;
  const made = withArguments(op, file, call);
  return call.failed ? undefined : made;
}

function withArguments(
  op: Exclude<NfsCall["op"], "null" | "acl-null" | "lookup">,
  file: FileId,
  call: Reader,
): NfsCall {
  switch (op) {
    case "getattr":
    case "readlink":
    case "fsstat":
    case "fsinfo":
    case "pathconf":
    case "getacl":
      return { op, file };
    case "access":
      return { op, file, access: call.u32() };
    case "read":
      return { op, file, offset: call.size64(), count: call.u32() };
    case "readdir":
    case "readdirplus": {
      const continues = call.u64() !== 0n;
      call.skip(COOKIE_VERIFIER_BYTES);
      const dircount = call.u32();
      return { op, file, continues, dircount, maxcount: op === "readdir" ? dircount : call.u32() };
    }
    default:
      return unreachable(op);
  }
}

/** RFC 1813 §3.3.3. Any failure counts as missing: the node went on without the file. */
function lookupOf(
  directory: Uint8Array,
  call: Reader,
  reply: Reader | undefined,
  files: FileTable,
): NfsCall | undefined {
  const name = readString(call, FILE_NAME_BYTES_MAX);
  if (call.failed) return undefined;
  if (reply?.u32() === 0) {
    const handle = readOpaque(reply, HANDLE_BYTES_MAX);
    const facts = readBool(reply) ? readAttributes(reply) : undefined;
    if (!reply.failed) files.found(directory, name, handle, facts);
  }
  const file = files.entryOf(directory, name);
  return file === undefined ? undefined : { op: "lookup", file };
}

/** Nearly all results tell attributes behind their status: GETATTR if it went well, the others if they want to. */
function learn(isGetattr: boolean, handle: Uint8Array, reply: Reader, files: FileTable): void {
  const status = reply.u32();
  const hasAttributes = isGetattr ? status === 0 : readBool(reply);
  if (!hasAttributes) return;
  const facts = readAttributes(reply);
  if (!reply.failed) files.describe(handle, facts);
}

/** RFC 1813 §3.3.17, behind the directory's attributes; of a failed call nothing is there. */
function learnEntries(directory: Uint8Array, reply: Reader, files: FileTable): void {
  reply.skip(COOKIE_VERIFIER_BYTES);
  while (readBool(reply) && !reply.failed) {
    reply.skip(8);
    const name = readString(reply, FILE_NAME_BYTES_MAX);
    reply.skip(8);
    const facts = readBool(reply) ? readAttributes(reply) : undefined;
    const handle = readBool(reply) ? readOpaque(reply, HANDLE_BYTES_MAX) : undefined;
    if (!reply.failed) files.found(directory, name, handle, facts);
  }
}

function readAttributes(reader: Reader): FileFacts {
  const type = types[reader.u32()] ?? "other";
  reader.skip(BEFORE_SIZE_BYTES);
  const size = reader.size64();
  reader.skip(BEHIND_SIZE_BYTES);
  return { type, size };
}
