import { chmodSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

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
