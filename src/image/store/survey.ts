import { accessSync, type BigIntStats, constants, lstatSync, readdirSync } from "node:fs";
import { FILE_NAME_BYTES_MAX } from "../../limits.ts";
import { UserError } from "../../user-error.ts";

/** In nanoseconds. */
const SECOND = 1_000_000_000n;

export interface Survey {
  /**
   * The first full second, since 1970, after all that is in a tree: an image's own time, so that the same tree gives
   * the same image. Times that are not before it would lose their nanoseconds.
   */
  readonly after: number;
  /** Of all files together, about as much as the image will have. */
  readonly bytes: number;
}

/** @throws UserError for what mkfs.erofs cannot seal. */
export function surveyTree(tree: string): Survey {
  let newest = 0n;
  let bytes = 0;
  const rootBytes = Buffer.byteLength(tree);
  for (const { path, stats } of everythingIn(tree)) {
    if (stats.mtimeNs > newest) newest = stats.mtimeNs;
    if (stats.isFile()) bytes += Number(stats.size) / Number(stats.nlink);
    if (stats.isFile() || stats.isDirectory()) refuseUnreadable(path);
    if (path.length > rootBytes) refuseLongName(path);
  }
  return { after: Number(newest / SECOND) + 1, bytes: Math.round(bytes) };
}

/** In full seconds since 1970. */
export function newestTime(tree: string): number {
  let newest = 0n;
  for (const { stats } of everythingIn(tree)) if (stats.mtimeNs > newest) newest = stats.mtimeNs;
  return Number(newest / SECOND);
}

export interface Found {
  /** As bytes: not all names are UTF-8. */
  readonly path: Buffer;
  readonly stats: BigIntStats;
}

/** The tree's root, and all that is below it, each directory before what is in it. */
export function* everythingIn(tree: string): Generator<Found> {
  const pending: Buffer[] = [Buffer.from(tree)];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const stats = lstatSync(path, { bigint: true });
    yield { path, stats };
    if (stats.isDirectory()) pending.push(...entriesOf(path));
  }
}

function entriesOf(path: Buffer): Buffer[] {
  const slash = Buffer.from("/");
  return readdirSync(path, { encoding: "buffer" }).map((name) =>
    Buffer.concat([path, slash, name]),
  );
}

/** mkfs.erofs 1.5 cuts them short, and then does not find them. */
function refuseLongName(path: Buffer): void {
  const slash = path.lastIndexOf("/");
  const length = path.length - slash - 1;
  if (length < FILE_NAME_BYTES_MAX) return;
  throw new UserError(
    `a name of ${length} bytes in ${path.subarray(0, slash).toString()} cannot be sealed: shorten it, or leave it out`,
  );
}

/** mkfs.erofs does not say which file it could not read. */
function refuseUnreadable(path: Buffer): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (cause) {
    throw new UserError(`${path.toString()} cannot be read: seal this tree as root`, { cause });
  }
}
