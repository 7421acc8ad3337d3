import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { UserError } from "../user-error.ts";

/** SQLite's result code (sqlite.org/rescode.html). */
const BUSY = 5;

/**
 * One process at a time has a directory of volumes: a lock of the kernel's, gone with the process however it ends. Node
 * has no call for one; an empty SQLite file in an exclusive transaction holds one.
 */
export function lockDirectory(directory: string): Disposable | undefined {
  const file = join(directory, ".lock");
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file);
    database.exec("BEGIN EXCLUSIVE");
    const held = database;
    return { [Symbol.dispose]: () => held.close() };
  } catch (cause) {
    database?.close();
    if (isBusy(cause)) return undefined;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(
      `cannot lock ${directory} (${reason}): make that directory, as a user who may write there`,
      { cause },
    );
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === BUSY;
}
