import { closeSync, fsyncSync, ftruncateSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { AtMost } from "../../src/bytes/at-most.ts";
import { type Clock, systemClock } from "../../src/net/clock.ts";
import { FileVolume } from "../../src/volume/file.ts";
import { type Punch, PunchNow } from "../../src/volume/punch-now.ts";
import { directoryOf } from "../sidus.ts";

const normal: Pick<Clock, "now"> = systemClock;

/** A volume in a new sparse file, and what it warned of. */
interface Wanted {
  readonly clock?: typeof normal;
  readonly directory?: string;
  readonly calls?: AtMost;
  readonly punch?: Punch;
}

export function blankVolume(bytes: number, wanted: Wanted = {}) {
  const { directory = directoryOf({}) } = wanted;
  const path = join(directory, "volume.img");
  const fd = openSync(path, "w");
  ftruncateSync(fd, bytes);
  closeSync(fd);
  return reopened(path, wanted);
}

export function reopened(path: string, wanted: Omit<Wanted, "directory"> = {}) {
  const { clock = normal, calls = new AtMost(8), punch } = wanted;
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const volume = new FileVolume({
    ...{ path, clock, warn, calls },
    punchNow: new PunchNow(clock, punch),
  });
  return { path, volume, warnings };
}

/** Bytes that the file takes of its file system; what waits for its place has none yet. */
export function roomOf(path: string): number {
  const fd = openSync(path, "r");
  fsyncSync(fd);
  closeSync(fd);
  return statSync(path).blocks * 512;
}

export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}
