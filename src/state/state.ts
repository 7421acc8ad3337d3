import { closeSync, fdatasync, mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { IdentityStore } from "../boot/identities.ts";
import type { LeaseStore } from "../dhcp/leases.ts";
import { STATE_LOG_PAGES, STATE_PAGES_MAX } from "../limits.ts";
import { UserError } from "../user-error.ts";
import type { PastBoots } from "../watch/past.ts";
import { bootStore } from "./history.ts";
import { identityStore, type StateDeps } from "./identities.ts";
import { leaseStore } from "./leases.ts";

/** What must outlive the process, in one SQLite file. */
export interface State extends Disposable {
  readonly leases: LeaseStore;
  /** Asked for once; what waits is written when the state is closed. */
  identities(deps: StateDeps): IdentityStore;
  /** Likewise. */
  boots(deps: StateDeps): PastBoots;
}

/** Each brings the database from the version that is its index to the next; never edited once released. */
const migrations: readonly string[] = [
  `CREATE TABLE leases (
     mac TEXT PRIMARY KEY CHECK (length(mac) = 12 AND mac NOT GLOB '*[^0-9a-f]*'),
     address INTEGER NOT NULL UNIQUE CHECK (address BETWEEN 0 AND 0xffffffff),
     until_ms INTEGER -- since 1970; NULL: for ever
   ) STRICT, WITHOUT ROWID`,
  // Without checks: a row that no node can be is passed over, not damage.
  `CREATE TABLE identities (
     mac TEXT PRIMARY KEY,
     uuid TEXT,
     serial TEXT,
     architecture INTEGER,
     heard_ms INTEGER NOT NULL -- since 1970
   ) STRICT, WITHOUT ROWID`,
  // The last boots of each node: when a stage was reached, in milliseconds after the boot began.
  `CREATE TABLE boots (
     mac TEXT NOT NULL,
     began_ms INTEGER NOT NULL, -- since 1970
     tree TEXT,
     digest TEXT,
     dhcp_ms INTEGER,
     loader_ms INTEGER,
     kernel_ms INTEGER,
     root_ms INTEGER,
     volume_ms INTEGER,
     up_ms INTEGER,
     PRIMARY KEY (mac, began_ms)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX boots_by_time ON boots (began_ms)`,
];

/** SQLite's result codes (sqlite.org/rescode.html); an extended code has one of these in its low byte. */
const Result = { BUSY: 5, READONLY: 8, IOERR: 10, CORRUPT: 11, FULL: 13, CANTOPEN: 14, NOTADB: 26 };

/** Opens `sidus.db` in the directory; makes both where they are not there. */
export function openState(directory: string): State {
  const file = join(directory, "sidus.db");
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(directory, { recursive: true });
    database = new DatabaseSync(file);
    prepare(database, file);
    const open = database;
    const log = openSync(`${file}-wal`, "r");
    const flush = flushOf(
      (done) => fdatasync(log, done),
      () => open.exec("PRAGMA wal_checkpoint(TRUNCATE)"),
    );
    const stack = new DisposableStack();
    stack.adopt(open, () => open.close());
    stack.adopt(log, closeSync);
    return {
      leases: leaseStore(open, flush),
      identities: (deps) => stack.use(identityStore(open, deps)),
      boots: (deps) => stack.use(bootStore(open, deps)),
      [Symbol.dispose]: () => stack.dispose(),
    };
  } catch (error) {
    database?.close();
    throw error instanceof UserError ? error : stateError(file, error);
  }
}

/**
 * Flushes the log. Linux says once that pages of it are not on disk and takes them for written then, so that what comes
 * after them in the log would be lost with them: after a failure all of it goes into the file itself, synchronously.
 */
export function flushOf(
  sync: (done: (error: Error | null) => void) => void,
  checkpoint: () => void,
): (done: (error: unknown) => void) => void {
  let isLogWhole = true;
  return (done) => {
    try {
      if (!isLogWhole) checkpoint();
    } catch (error) {
      done(error);
      return;
    }
    sync((error) => {
      isLogWhole = error === null;
      done(error ?? undefined);
    });
  };
}

function prepare(database: DatabaseSync, file: string): void {
  // Exclusive: two servers with one state would give one address twice.
  database.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL");
  database.exec("PRAGMA synchronous = FULL");
  database.exec(`PRAGMA max_page_count = ${STATE_PAGES_MAX}`);
  const check = database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"];
  if (check !== "ok") throw damaged(file, new Error(String(check)));

  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  if (version > migrations.length) {
    throw new UserError(
      `${file} was written by a newer sidus (version ${version} of its tables, this one knows ${migrations.length}): run that sidus, or set another \`state:\``,
    );
  }
  database.exec("BEGIN IMMEDIATE");
  for (const migration of migrations.slice(version)) database.exec(migration);
  database.exec(`PRAGMA user_version = ${migrations.length}`);
  database.exec("COMMIT");

  // From here on a commit writes to the log (sidus.db-wal) and returns; whoever needs it on disk flushes the log, which is
  // all that FULL would add, without keeping the event loop from its work.
  database.exec("PRAGMA synchronous = NORMAL");
  database.exec(`PRAGMA wal_autocheckpoint = ${STATE_LOG_PAGES}`);
}

function stateError(file: string, cause: unknown): UserError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  switch (resultOf(cause)) {
    case Result.BUSY:
      return new UserError(
        `${file} is in use: another sidus runs with this state; stop it, or set another \`state:\``,
        { cause },
      );
    case Result.CORRUPT:
    case Result.NOTADB:
      return damaged(file, cause);
    case Result.FULL:
      return new UserError(`${file} cannot grow: make room on its file system`, { cause });
    default:
      return new UserError(
        `cannot write ${file} (${reason}): run as a user who may write there, or set \`state:\` to another directory`,
        { cause },
      );
  }
}

function damaged(file: string, cause: unknown): UserError {
  return new UserError(
    `${file} is damaged: move it away (mv ${file} ${file}.damaged) and start again; nodes get their addresses anew`,
    { cause },
  );
}

function resultOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !("errcode" in cause)) return undefined;
  return Number(cause.errcode) & 0xff;
}
