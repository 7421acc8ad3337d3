import { execFileSync } from "node:child_process";
import { lstatSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { directoryIn } from "../place.ts";
import { type Device, standardDevices } from "./device.ts";

/** Nobody but us makes an empty file of this mode in /dev: it is ours, of a sealing that was killed. */
const MODE = 0o400;

/** Empty files in a tree, in the places of devices that it does not have. */
export interface Placeholders extends Disposable {
  readonly devices: readonly Device[];
}

/**
 * Devices whose place is taken, or has no directory, are left out; so are standard ones where nobody may write: nodes
 * have those of their kernels. Directories keep their times, and get them back when the files are removed.
 */
export function placePlaceholders(tree: string, devices: readonly Device[]): Placeholders {
  const asked = new Set(devices.map(({ path }) => path));
  const standard = isSystem(tree) ? standardDevices.filter(({ path }) => !asked.has(path)) : [];
  const placed = [
    ...devices.filter((device) => place(tree, device)),
    ...standard.filter((device) => placeIfAllowed(tree, device)),
  ];
  return {
    devices: placed,
    [Symbol.dispose]() {
      for (const { path } of placed) {
        keepingTime(dirname(join(tree, path)), () => rmSync(join(tree, path)));
      }
    },
  };
}

function placeIfAllowed(tree: string, device: Device): boolean {
  try {
    return place(tree, device);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EACCES" || code === "EPERM" || code === "EROFS") return false;
    throw error;
  }
}

/** Whether it was done. */
function place(tree: string, { path }: Device): boolean {
  const directory = directoryIn(tree, dirname(path));
  if (directory === undefined) return false;
  const file = join(directory, basename(path));
  const there = lstatSync(file, { throwIfNoEntry: false });
  if (
    there !== undefined &&
    !(there.isFile() && there.size === 0 && (there.mode & 0o7777) === MODE)
  ) {
    return false;
  }
  keepingTime(directory, () => writeFileSync(file, "", { mode: MODE }), file);
  return true;
}

/** In nanoseconds. */
const SECOND = 1_000_000_000n;

/** Of a directory in which something is made or removed, to the nanosecond; `also` gets the same. */
function keepingTime(directory: string, change: () => void, ...also: readonly string[]): void {
  const { mtimeNs } = lstatSync(directory, { bigint: true });
  change();
  const nanoseconds = ((mtimeNs % SECOND) + SECOND) % SECOND;
  const seconds = (mtimeNs - nanoseconds) / SECOND;
  const time = `--date=@${seconds}.${String(nanoseconds).padStart(9, "0")}`;
  execFileSync("touch", ["--no-create", time, directory, ...also]);
}

/** os-release(5). */
function isSystem(tree: string): boolean {
  const file = join(tree, "usr/lib/os-release");
  return lstatSync(file, { throwIfNoEntry: false })?.isFile() === true;
}
