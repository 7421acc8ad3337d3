import type { DatabaseSync } from "node:sqlite";
import { ipv4 } from "../bytes/ipv4.ts";
import { type MacAddress, parseMac } from "../bytes/mac.ts";
import type { Lease, LeaseStore } from "../dhcp/leases.ts";
import { LEASES_MAX } from "../limits.ts";

/** Leases as rows. Each statement is a transaction of its own, which is on disk when it returns. */
export function leaseStore(database: DatabaseSync): LeaseStore {
  // Those that run longest first: they are the ones to keep where there are too many.
  const all = database.prepare(
    "SELECT mac, address, until_ms FROM leases ORDER BY coalesce(until_ms, 1e18) DESC LIMIT ?",
  );
  const save = database.prepare("INSERT OR REPLACE INTO leases VALUES (?, ?, ?)");
  const remove = database.prepare("DELETE FROM leases WHERE mac = ?");
  return {
    load: () => all.all(LEASES_MAX).map(leaseOfRow),
    save({ mac, address, until }) {
      save.run(mac, address, until === Number.POSITIVE_INFINITY ? null : Math.round(until));
    },
    remove(mac: MacAddress) {
      remove.run(mac);
    },
  };
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
