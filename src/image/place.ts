import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

/** Puts things into a tree with just the mode that they are to have, whatever the umask. */

/** With its parents; those that are there stay as they are. */
export function placeDirectory(path: string): void {
  if (existsSync(path)) return;
  placeDirectory(dirname(path));
  mkdirSync(path);
  chmodSync(path, 0o755);
}

/** Never through a link: absolute ones in a tree lead out of it from here. */
export function placeFile(path: string, content: string | Uint8Array, mode: number): void {
  placeDirectory(dirname(path));
  rmSync(path, { force: true });
  writeFileSync(path, content, { mode: 0o600 });
  chmodSync(path, mode);
}

export function placeLink(path: string, target: string): void {
  placeDirectory(dirname(path));
  rmSync(path, { force: true });
  symlinkSync(target, path);
}

/** Where a directory of a tree is; undefined where there is none, or where a link leads to it: maybe out of the tree. */
export function directoryIn(tree: string, path: string): string | undefined {
  let found = tree;
  for (const part of path.split("/").filter((one) => one !== "")) {
    found = join(found, part);
    if (lstatSync(found, { throwIfNoEntry: false })?.isDirectory() !== true) return undefined;
  }
  return found;
}

/** The text of a file of a tree; undefined where there is none, or a link in its place. */
export function textIn(tree: string, path: string): string | undefined {
  const directory = directoryIn(tree, dirname(path));
  if (directory === undefined) return undefined;
  const file = join(directory, basename(path));
  const isFile = lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
  return isFile ? readFileSync(file, "utf8") : undefined;
}
