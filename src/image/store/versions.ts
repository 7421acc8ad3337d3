import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../user-error.ts";

/**
 * An image is a directory of versions, named by their digests (SHA-256, hexadecimal), and a link to the current one:
 *
 *   NAME/0123…cdef.erofs      a sealed tree, never changed
 *   NAME/0123…cdef.json       what is known of it: its manifest
 *   NAME/0123…cdef.sig        who says so: a signature of the manifest's bytes, where somebody signed it
 *   NAME/0123…cdef.spdx.json  its packages, as other programs read them
 *   NAME/current              → 0123…cdef.erofs
 *   NAME/history.json         what was current before
 *   NAME/nodes.json           which nodes run which version, as the server saw it
 *   NAME/policy.json          how many versions stay
 *   NAME/.lock                held while a command changes what is here
 */

/** Of images, and of trees. */
export const IMAGE_NAME = /^[A-Za-z0-9][\w.-]{0,62}$/;

export function versionFile(digest: string): string {
  return `${digest}.erofs`;
}

export function manifestFile(digest: string): string {
  return `${digest}.json`;
}

export function signatureFile(digest: string): string {
  return `${digest}.sig`;
}

export function sbomFile(digest: string): string {
  return `${digest}.spdx.json`;
}

export const CURRENT = "current";

/** What handles and pinned paths name a version by: the first 64 bits of its digest. */
export function identityOf(digest: string): bigint {
  return BigInt(`0x${digest.slice(0, 16)}`);
}

/** What people see of a digest, and may type. */
export function shortOf(digest: string): string {
  return digest.slice(0, 12);
}

/** All versions, in no order; none where there is no such directory. */
export async function digestsIn(directory: string): Promise<string[]> {
  return (await namesIn(directory)).flatMap((name) => digestIn(name) ?? []);
}

/** Handles name a version by 64 bits of its digest; two must not share them. @throws UserError */
export async function refuseLookAlike(directory: string, digest: string): Promise<void> {
  const digests = await digestsIn(directory);
  const other = digests.find((one) => one !== digest && identityOf(one) === identityOf(digest));
  if (other === undefined) return;
  throw new UserError(`the digest begins as ${shortOf(other)} does: change anything in the tree`);
}

/** None where there is no such directory. */
export function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw error;
  });
}

/** Undefined where no version is current. */
export async function currentIn(directory: string): Promise<string | undefined> {
  try {
    return digestIn(await readlink(join(directory, CURRENT)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Undefined for what names no version. */
export function digestIn(name: string): string | undefined {
  return /^([0-9a-f]{64})\.erofs$/.exec(name)?.[1];
}

/** EINVAL: a file in place of the link. */
export function isMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return ["ENOENT", "ENOTDIR", "EINVAL"].includes(code);
}
