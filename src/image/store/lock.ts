import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { IMAGE_LOCK_WAIT_MS } from "../../limits.ts";
import { UserError } from "../../user-error.ts";

/** SQLite's result code (sqlite.org/rescode.html). */
const BUSY = 5;

/**
 * Does what changes an image's directory while no other command does: a lock of the kernel's, gone with the process
 * however it ends. Node has no call for one; an empty SQLite file in an exclusive transaction holds one.
 * @throws UserError when another command has it for too long.
 */
export function whileLocked<T>(directory: string, work: () => T): T {
  const file = join(directory, ".lock");
  // What the file system refuses, SQLite would not tell apart.
  closeSync(openSync(file, "a", 0o600));
  const database = new DatabaseSync(file, { timeout: IMAGE_LOCK_WAIT_MS });
  try {
    begin(database, directory);
    return work();
  } finally {
    database.close();
  }
}

function begin(database: DatabaseSync, directory: string): void {
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    const code = cause instanceof Error && "errcode" in cause ? Number(cause.errcode) & 0xff : 0;
    if (code !== BUSY) throw cause;
    const message = `another command is changing ${directory}: try again when it is done`;
    throw new UserError(message, { cause, exitCode: 1 });
  }
}
