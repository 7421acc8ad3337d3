import { openLibc } from "../system/libc.ts";

/** Gives whole pages of a file back to its file system, and waits for the kernel. False: it did not. */
export type PunchNow = (fd: number, offset: number, length: number) => boolean;

const FALLOC_FL_KEEP_SIZE = 1;
const FALLOC_FL_PUNCH_HOLE = 2;

let loaded: PunchNow | undefined;

/** fallocate(2), which Node itself has not. Where it cannot be called, nothing is given back. */
export const fallocate: PunchNow = (fd, offset, length) => {
  loaded ??= load();
  return loaded(fd, offset, length);
};

function load(): PunchNow {
  const opened = openLibc({
    fallocate: { arguments: ["i32", "i32", "i64", "i64"], return: "i32" },
  });
  if (opened === undefined) return () => false;
  const { library } = opened;
  const mode = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
  return (fd, offset, length) =>
    library.functions.fallocate(fd, mode, BigInt(offset), BigInt(length)) === 0;
}
