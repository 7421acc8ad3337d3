import type { Reader } from "../../bytes/reader.ts";
import { NFS_HANDLE_BYTES_MAX } from "../../limits.ts";
import { readOpaque } from "../../rpc/xdr.ts";
import type { TraceFile } from "../trace/trace.ts";

/** Results of NFS version 3, RFC 1813 §2.5, §2.6, §3.3. */

/** fattr3, and what is in it between type and size. */
const ATTRIBUTES_BYTES = 84;
const BEFORE_SIZE_BYTES = 16;

export const Status = { OK: 0, NOENT: 2, JUKEBOX: 10_008 } as const;

const statusNames = new Map<number, string>([
  [1, "PERM"],
  [2, "NOENT"],
  [5, "IO"],
  [6, "NXIO"],
  [13, "ACCES"],
  [20, "NOTDIR"],
  [21, "ISDIR"],
  [22, "INVAL"],
  [30, "ROFS"],
  [63, "NAMETOOLONG"],
  [70, "STALE"],
  [71, "REMOTE"],
  [10_001, "BADHANDLE"],
  [10_003, "BAD_COOKIE"],
  [10_004, "NOTSUPP"],
  [10_005, "TOOSMALL"],
  [10_006, "SERVERFAULT"],
  [10_008, "JUKEBOX"],
]);

/** One of few, whatever a server sends. */
export function statusName(status: number): string {
  return `NFS3ERR_${statusNames.get(status) ?? "other"}`;
}

const typeNames: readonly TraceFile["type"][] = [
  "missing",
  "file",
  "directory",
  "other",
  "other",
  "link",
  "other",
  "other",
];

/** fattr3. Its type, as a trace names it. */
export function readAttributes(results: Reader): string | undefined {
  const type = results.u32();
  results.skip(ATTRIBUTES_BYTES - 4);
  return results.failed ? undefined : typeNames[type];
}

/** Type and size, for who wants both. */
export function readFacts(results: Reader): { type: TraceFile["type"]; size: number } {
  const type = typeNames[results.u32()] ?? "other";
  results.skip(BEFORE_SIZE_BYTES);
  const size = results.size64();
  results.skip(ATTRIBUTES_BYTES - 4 - BEFORE_SIZE_BYTES - 8);
  return { type, size };
}

/** post_op_attr; undefined: there are none. */
export function readPostOp(results: Reader): string | undefined {
  return results.u32() === 0 ? undefined : readAttributes(results);
}

/** nfs_fh3, a view. */
export function readHandle(results: Reader): Uint8Array {
  return readOpaque(results, NFS_HANDLE_BYTES_MAX);
}

/** What follows attributes where all went well, in bytes: FSSTAT, FSINFO, PATHCONF, ACCESS. */
export const resultBytes = { access: 4, fsstat: 52, fsinfo: 48, pathconf: 24 } as const;

/** NFSACL: a mask, then access and default list, each a count and an array. */
export function skipAcls(results: Reader): void {
  results.skip(4);
  for (let list = 0; list < 2; list += 1) {
    results.skip(4);
    results.skip(results.u32() * 12);
  }
}
