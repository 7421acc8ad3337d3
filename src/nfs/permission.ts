import type { Credential } from "../rpc/credentials.ts";
import type { Attributes } from "../tree/tree.ts";

/** Permission bits as in a mode's last digit. */
export const Permission = { READ: 4, WRITE: 2, EXECUTE: 1 } as const;
export type Permission = (typeof Permission)[keyof typeof Permission];

/** As a local kernel decides: owner, else group, else others. Root may all, but execute only what anybody may. */
export function permits(
  attributes: Attributes,
  credential: Credential,
  permission: Permission,
): boolean {
  const { mode, uid, gid, type } = attributes;
  if (credential.uid === 0) {
    return permission !== Permission.EXECUTE || type === "directory" || (mode & 0o111) !== 0;
  }
  if (credential.uid === uid) return ((mode >> 6) & permission) !== 0;
  const inGroup = credential.gid === gid || credential.gids.includes(gid);
  return ((inGroup ? mode >> 3 : mode) & permission) !== 0;
}

/**
 * RFC 1813 §4.4: the server checks each READ, where a local kernel checked the open. So the owner always may (it can
 * have changed the mode since), and who may execute a file may load it.
 */
export function permitsReading(attributes: Attributes, credential: Credential): boolean {
  return (
    credential.uid === attributes.uid ||
    permits(attributes, credential, Permission.READ) ||
    permits(attributes, credential, Permission.EXECUTE)
  );
}
