import { read, readSync, write, writeSync, writev, writevSync } from "node:fs";
import type { VolumeError } from "./volume.ts";

/** Reads and writes of one descriptor, whole, at once or by another thread. */

/** The thread waits for the kernel. */
export function readNow(fd: number, offset: number, into: Uint8Array): VolumeError | undefined {
  for (let done = 0; done < into.length; ) {
    try {
      const count = readSync(fd, into, done, into.length - done, offset + done);
      if (count === 0) return CUT_OFF;
      done += count;
    } catch (error) {
      if (!isInterrupted(error)) return volumeErrorOf(error);
    }
  }
  return undefined;
}

export async function readLater(
  fd: number,
  offset: number,
  into: Uint8Array,
): Promise<VolumeError | undefined> {
  for (let done = 0; done < into.length; ) {
    try {
      const count = await readOnce(fd, into, done, offset + done);
      if (count === 0) return CUT_OFF;
      done += count;
    } catch (error) {
      if (!isInterrupted(error)) return volumeErrorOf(error);
    }
  }
  return undefined;
}

/** The thread waits for the kernel. */
export function writeNow(
  fd: number,
  offset: number,
  parts: readonly Uint8Array[],
): VolumeError | undefined {
  let left = after(parts, 0);
  for (let at = offset; left.length > 0; ) {
    try {
      const [first] = left;
      const count =
        first !== undefined && left.length === 1
          ? writeSync(fd, first, 0, first.length, at)
          : writevSync(fd, left, at);
      if (count === 0) return "io";
      at += count;
      left = after(left, count);
    } catch (error) {
      if (!isInterrupted(error)) return volumeErrorOf(error);
    }
  }
  return undefined;
}

export async function writeLater(
  fd: number,
  offset: number,
  parts: readonly Uint8Array[],
): Promise<VolumeError | undefined> {
  let left = after(parts, 0);
  for (let at = offset; left.length > 0; ) {
    try {
      const count = await writeOnce(fd, left, at);
      if (count === 0) return "io";
      at += count;
      left = after(left, count);
    } catch (error) {
      if (!isInterrupted(error)) return volumeErrorOf(error);
    }
  }
  return undefined;
}

/** The file is shorter than the volume: somebody cut it off. */
const CUT_OFF: VolumeError = "io";

/** What is left of the parts after so many bytes of them; no part of it is empty. */
function after(parts: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skipped = 0;
  let rest = count;
  for (const part of parts) {
    if (part.length > rest) break;
    rest -= part.length;
    skipped += 1;
  }
  if (skipped === 0 && rest === 0) return parts;
  const [first, ...others] = parts.slice(skipped);
  return first === undefined ? [] : [first.subarray(rest), ...others];
}

/** By callback, as all that is asked often: node:fs/promises takes twice the time. */
function readOnce(fd: number, into: Uint8Array, from: number, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    read(fd, into, from, into.length - from, offset, (error, count) => {
      if (error === null) resolve(count);
      else reject(error);
    });
  });
}

function writeOnce(fd: number, parts: readonly Uint8Array[], offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const done = (error: Error | null, count: number): void => {
      if (error === null) resolve(count);
      else reject(error);
    };
    const [first] = parts;
    if (first !== undefined && parts.length === 1) write(fd, first, 0, first.length, offset, done);
    else writev(fd, parts, offset, done);
  });
}

function isInterrupted(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EINTR";
}

/** @throws what is no system error. */
export function volumeErrorOf(error: unknown): VolumeError {
  if (!(error instanceof Error && "syscall" in error && "code" in error)) throw error;
  switch (error.code) {
    case "ENOSPC":
    case "EDQUOT":
      return "no-space";
    case "EROFS":
    case "EPERM":
    case "EACCES":
      return "read-only";
    case "ENOENT":
    case "ENODEV":
    case "ENXIO":
    case "ESTALE":
      return "gone";
    default:
      return "io";
  }
}
