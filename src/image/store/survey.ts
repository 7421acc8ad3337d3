import { accessSync, constants, lstatSync, readdirSync } from "node:fs";
import { FILE_NAME_BYTES_MAX } from "../../limits.ts";
import { UserError } from "../../user-error.ts";

/**
 * The first full second, since 1970, after all that is in a tree: an image's own time, so that the same tree gives the
 * same image. Times that are not before it would lose their nanoseconds.
 * @throws UserError for what mkfs.erofs cannot seal.
 */
export function timeAfter(tree: string): number {
  let newest = 0n;
  const pending: Buffer[] = [Buffer.from(tree)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stats = lstatSync(path, { bigint: true });
    if (stats.mtimeNs > newest) newest = stats.mtimeNs;
    if (stats.isFile() || stats.isDirectory()) refuseUnreadable(path);
    if (stats.isDirectory()) pending.push(...entriesOf(path));
  }
  return Number(newest / 1_000_000_000n) + 1;
}

function entriesOf(path: Buffer): Buffer[] {
  return readdirSync(path, { encoding: "buffer" }).map((name) => {
    // mkfs.erofs 1.5 cuts them short, and then does not find them.
    if (name.length >= FILE_NAME_BYTES_MAX) {
      throw new UserError(
        `a name of ${name.length} bytes in ${path.toString()} cannot be sealed: shorten it, or leave it out`,
      );
    }
    return Buffer.concat([path, Buffer.from("/"), name]);
  });
}

/** mkfs.erofs does not say which file it could not read. */
function refuseUnreadable(path: Buffer): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new UserError(`${path.toString()} cannot be read: seal this tree as root`, { cause });
  }
}
