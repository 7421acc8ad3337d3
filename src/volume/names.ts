import { VOLUME_NAME_BYTES_MAX } from "../limits.ts";

/** Files of a directory of volumes: `NAME.img`, and what was kept of it at some time, `NAME@SNAPSHOT.img`. */

/** Addresses mostly. They end target names, which RFC 7143 §4.2.7.2 keeps in lower case. */
export function isVolumeName(name: string): boolean {
  return /^[a-z0-9][a-z0-9.:-]*$/.test(name) && name.length <= VOLUME_NAME_BYTES_MAX;
}

export function fileOf(name: string, snapshot?: string): string {
  return snapshot === undefined ? `${name}.img` : `${name}@${snapshot}.img`;
}

/** Undefined where the file is neither. */
export function partsOf(file: string): { name: string; snapshot: string | undefined } | undefined {
  const [, name = "", snapshot] = /^([^@]+)(?:@([^@]+))?\.img$/.exec(file) ?? [];
  if (!isVolumeName(name)) return undefined;
  return snapshot === undefined || isVolumeName(snapshot) ? { name, snapshot } : undefined;
}
