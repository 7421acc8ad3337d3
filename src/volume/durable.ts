import { constants } from "node:fs";
import { type FileHandle, link, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { UserError } from "../user-error.ts";

export interface Placing {
  readonly path: string;
  /** In the same directory; whoever calls has it alone. What a killed process left there is replaced. */
  readonly temporary: string;
  /** What is in the place, if there is anything, stays, and it is an error. */
  readonly isNew?: boolean;
  /** Makes the temporary file. */
  readonly fill: (temporary: string) => Promise<void>;
  /** Asked at the last moment: throws where it must not be after all. */
  readonly check?: () => void;
}

/**
 * Puts a whole file in a place, over what was there: whatever happens, there is the one or the other, and when it
 * answers, it is on disk.
 */
export async function placeFile({ path, temporary, isNew, fill, check }: Placing): Promise<void> {
  await rm(temporary, { force: true });
  try {
    await fill(temporary);
    await withFile(temporary, constants.O_RDONLY, (file) => file.sync());
    check?.();
    if (isNew === true) {
      await link(temporary, path);
      await rm(temporary);
    } else await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** With all above it that are not there, each on disk. Only its owner gets in: disks and secrets are in it. */
export async function makeDirectory(directory: string): Promise<void> {
  const first = await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: Error) => {
    throw new UserError(
      `cannot make ${directory} (${cause.message}): make it as a user who may, or choose another directory for the volumes`,
      { cause, exitCode: 1 },
    );
  });
  if (first === undefined) return;
  const top = dirname(first);
  for (let made = directory; made !== top; made = dirname(made)) await syncDirectory(dirname(made));
}

/** Names in it are on disk when it answers. */
export function syncDirectory(directory: string): Promise<void> {
  return withFile(directory, constants.O_RDONLY | constants.O_DIRECTORY, (file) => file.sync());
}

/** A new file: only its owner reads it. */
export const NEW_FILE = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL;

export async function withFile<T>(
  path: string,
  flags: number,
  work: (file: FileHandle) => Promise<T>,
): Promise<T> {
  await using file = await open(path, flags, 0o600);
  return await work(file);
}
