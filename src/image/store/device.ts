/** A device node. Who is root of a user namespace only cannot make one: an image gets it when it is sealed. */
export interface Device {
  /** Absolute, in the tree. */
  readonly path: string;
  readonly type: "character" | "block";
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
}

/** What every system has in /dev until its kernel or udev fills it (admin-guide/devices.txt of Linux). */
export const standardDevices: readonly Device[] = [
  standard("console", 5, 1),
  standard("full", 1, 7),
  standard("null", 1, 3),
  standard("ptmx", 5, 2),
  standard("random", 1, 8),
  standard("tty", 5, 0),
  standard("urandom", 1, 9),
  standard("zero", 1, 5),
];

function standard(name: string, major: number, minor: number): Device {
  const owner = { mode: 0o666, uid: 0, gid: 0 };
  return { path: `/dev/${name}`, type: "character", ...owner, major, minor };
}
