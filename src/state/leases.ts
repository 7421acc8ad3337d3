import type { DatabaseSync } from "node:sqlite";
import { ipv4 } from "../bytes/ipv4.ts";
import { parseMac } from "../bytes/mac.ts";
import type { Lease, LeaseChanges, LeaseStore } from "../dhcp/leases.ts";
import { LEASES_MAX } from "../limits.ts";

/** Leases as rows; a save is a transaction. `flush`: what was committed is on disk when it calls back. */
export function leaseStore(
  database: DatabaseSync,
  flush: (done: (error: unknown) => void) => void,
): LeaseStore {
  // Those that run longest first: they are the ones to keep where there are too many.
  const all = database.prepare(
    "SELECT mac, address, until_ms FROM leases ORDER BY coalesce(until_ms, 1e18) DESC LIMIT ?",
  );
  const put = database.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM leases WHERE mac = ?");
  const commit = (changes: LeaseChanges): void => {
    database.exec("BEGIN IMMEDIATE");
    for (const [mac, lease] of changes) {
      if (lease === undefined) remove.run(mac);
      else put.run(...rowOf(lease));
    }
    database.exec("COMMIT");
  };
  return {
    load: () => all.all(LEASES_MAX).map(leaseOfRow),
    save(changes, done) {
      try {
        if (changes.size > 0) commit(changes);
      } catch (error) {
        if (database.isTransaction) database.exec("ROLLBACK");
        done(error);
        return;
      }
      if (changes.size > 0) flush(done);
      else done(undefined);
    },
  };
}

function rowOf({ mac, address, until }: Lease): [string, number, number | null] {
  return [mac, address, until === Number.POSITIVE_INFINITY ? null : Math.round(until)];
}

function leaseOfRow(row: Record<string, unknown>): Lease {
  const mac = parseMac(String(row["mac"]));
  if (mac === undefined) throw new TypeError(`a lease of ${String(row["mac"])}`);
  const until = row["until_ms"];
  return {
    mac,
    address: ipv4(Number(row["address"])),
    until: until === null ? Number.POSITIVE_INFINITY : Number(until),
  };
}
