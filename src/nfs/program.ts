import type { RpcProgram } from "../rpc/program.ts";
import type { Tell } from "../watch/events.ts";
import type { ServedExports } from "./exports.ts";
import { type Procedure, programOf } from "./procedure.ts";
import { access } from "./procedures/access.ts";
import { commit } from "./procedures/commit.ts";
import { create } from "./procedures/create.ts";
import { fsinfo } from "./procedures/fsinfo.ts";
import { fsstat } from "./procedures/fsstat.ts";
import { getattr } from "./procedures/getattr.ts";
import { link } from "./procedures/link.ts";
import { lookup } from "./procedures/lookup.ts";
import { mkdir } from "./procedures/mkdir.ts";
import { mknod } from "./procedures/mknod.ts";
import { nullProcedure } from "./procedures/null.ts";
import { pathconf } from "./procedures/pathconf.ts";
import { read } from "./procedures/read.ts";
import { readdir } from "./procedures/readdir.ts";
import { readdirplus } from "./procedures/readdirplus.ts";
import { readlink } from "./procedures/readlink.ts";
import { remove } from "./procedures/remove.ts";
import { rename } from "./procedures/rename.ts";
import { rmdir } from "./procedures/rmdir.ts";
import { setattr } from "./procedures/setattr.ts";
import { symlink } from "./procedures/symlink.ts";
import { write } from "./procedures/write.ts";

/** NFS version 3 (RFC 1813), read-only. */
export const NFS_PROGRAM = 100_003;
export const NFS_VERSION = 3;

/** RFC 1813 §3.3: in the order of their numbers. */
const procedures: readonly Procedure[] = [
  nullProcedure,
  getattr,
  setattr,
  lookup,
  access,
  readlink,
  read,
  write,
  create,
  mkdir,
  symlink,
  mknod,
  remove,
  rmdir,
  rename,
  link,
  readdir,
  readdirplus,
  fsstat,
  fsinfo,
  pathconf,
  commit,
];

export function nfsProgram(exports: () => ServedExports, tell: Tell): RpcProgram {
  return programOf({ program: NFS_PROGRAM, version: NFS_VERSION, procedures }, exports, tell);
}
