import { unreachable } from "../bytes/unreachable.ts";
import type { TreeError } from "../tree/tree.ts";

/** RFC 1813 §2.6: nfsstat3, those that this server answers. */
export const NfsStatus = {
  OK: 0,
  NOENT: 2,
  IO: 5,
  ACCES: 13,
  NOTDIR: 20,
  INVAL: 22,
  ROFS: 30,
  NAMETOOLONG: 63,
  STALE: 70,
  BADHANDLE: 10_001,
  BAD_COOKIE: 10_003,
  TOOSMALL: 10_005,
} as const;
export type NfsStatus = (typeof NfsStatus)[keyof typeof NfsStatus];

export function statusOf(error: TreeError): NfsStatus {
  switch (error) {
    case "not-found":
      return NfsStatus.NOENT;
    case "stale":
      return NfsStatus.STALE;
    case "not-directory":
      return NfsStatus.NOTDIR;
    case "not-file":
    case "not-symlink":
      return NfsStatus.INVAL;
    case "bad-cookie":
      return NfsStatus.BAD_COOKIE;
    case "denied":
      return NfsStatus.ACCES;
    case "io":
      return NfsStatus.IO;
    default:
      return unreachable(error);
  }
}
