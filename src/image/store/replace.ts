import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";
import process from "node:process";

/** Whoever reads the file finds all of the old or all of the new, also after a loss of power. */
export function replaceFile(path: string, content: string | Uint8Array, mode: number): void {
  const next = `${path}.${process.pid}.new`;
  const descriptor = openSync(next, "w", mode);
  try {
    writeFileSync(descriptor, content);
    fchmodSync(descriptor, mode);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(next, path);
}
