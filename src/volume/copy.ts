import { constants } from "node:fs";
import { copyFile, type FileHandle, rm } from "node:fs/promises";
import { VOLUME_AT_ONCE_BYTES, VOLUME_PUNCH_BYTES_MIN } from "../limits.ts";
import { UserError } from "../user-error.ts";
import { Allocation, extentsOf } from "./allocation.ts";
import { readLater, writeLater } from "./descriptor.ts";
import { NEW_FILE, withFile } from "./durable.ts";
import type { VolumeError } from "./volume.ts";

/** What was looked at so far, of all. */
export type CopyProgress = (doneBytes: number, bytes: number) => void;

const zeros = new Uint8Array(VOLUME_PUNCH_BYTES_MIN);

/** A new file with the content of another: sharing its blocks where the file system can, otherwise with its holes. */
export async function copyVolume(from: string, to: string, progress: CopyProgress): Promise<void> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
  } catch {
    // Whatever the reason: where it is no missing feature, the copy meets it too, and says so.
    await rm(to, { force: true });
    await copySparse(from, to, progress);
  }
}

async function copySparse(from: string, to: string, progress: CopyProgress): Promise<void> {
  await withFile(from, constants.O_RDONLY, (source) =>
    withFile(to, NEW_FILE, async (target) => {
      const { size } = await source.stat();
      await target.truncate(size);
      const buffer = new Uint8Array(VOLUME_AT_ONCE_BYTES);
      for (const { offset, length } of await takenIn(source, size)) {
        for (let done = 0; done < length; done += buffer.length) {
          const piece = buffer.subarray(0, Math.min(buffer.length, length - done));
          const at = offset + done;
          demand(await readLater(source.fd, at, piece), `cannot read ${from}`);
          demand(await writeSparse(target.fd, at, piece), `cannot write ${to}`);
          progress(at + piece.length, size);
        }
      }
    }),
  );
}

async function takenIn(
  file: FileHandle,
  size: number,
): Promise<Iterable<{ offset: number; length: number }>> {
  const allocation = new Allocation(size);
  const isKnown = await extentsOf(file.fd, (offset, length) => allocation.take(offset, length));
  return isKnown ? allocation.takenWithin(0, size) : [{ offset: 0, length: size }];
}

/** Into a file of holes: zeros need not be written. */
async function writeSparse(
  fd: number,
  offset: number,
  piece: Uint8Array,
): Promise<VolumeError | undefined> {
  for (let at = 0; at < piece.length; at += zeros.length) {
    const part = piece.subarray(at, at + zeros.length);
    if (Buffer.compare(part, zeros.subarray(0, part.length)) === 0) continue;
    const failed = await writeLater(fd, offset + at, [part]);
    if (failed !== undefined) return failed;
  }
  return undefined;
}

const reasons: Readonly<Record<VolumeError, string>> = {
  "no-space": "no room is left; make room there, or remove snapshots (sidus volume rm)",
  io: "the disk failed; `dmesg` says more",
  "read-only": "its file system is read-only; mount it for writing",
  gone: "its file system is gone; mount it again",
};

function demand(failed: VolumeError | undefined, what: string): void {
  if (failed !== undefined) throw new UserError(`${what}: ${reasons[failed]}`, { exitCode: 1 });
}
