import type { Procedure } from "../rpc/call.ts";
import type { NfsCall } from "../trace/trace.ts";

export const NFS_PROGRAM = 100_003;
const NFSACL_PROGRAM = 100_227;
const VERSION = 3;

export interface Operation extends Procedure {
  readonly label: string;
}

function nfs(procedure: number, label: string): Operation {
  return { program: NFS_PROGRAM, version: VERSION, procedure, label };
}

/** RFC 1813 §3.3; NFSACL has no RFC: Linux' include/uapi/linux/nfsacl.h. */
export const operations: Readonly<Record<NfsCall["op"], Operation>> = {
  null: nfs(0, "NULL"),
  getattr: nfs(1, "GETATTR"),
  lookup: nfs(3, "LOOKUP"),
  access: nfs(4, "ACCESS"),
  readlink: nfs(5, "READLINK"),
  read: nfs(6, "READ"),
  readdir: nfs(16, "READDIR"),
  readdirplus: nfs(17, "READDIRPLUS"),
  fsstat: nfs(18, "FSSTAT"),
  fsinfo: nfs(19, "FSINFO"),
  pathconf: nfs(20, "PATHCONF"),
  "acl-null": { program: NFSACL_PROGRAM, version: VERSION, procedure: 0, label: "NFSACL NULL" },
  getacl: { program: NFSACL_PROGRAM, version: VERSION, procedure: 1, label: "GETACL" },
};

/** RFC 1833 §3.2 */
export const getPort: Operation = { program: 100_000, version: 2, procedure: 3, label: "GETPORT" };

/** RFC 1813 §5.2.1 */
export const mnt: Operation = { program: 100_005, version: 3, procedure: 1, label: "MNT" };
