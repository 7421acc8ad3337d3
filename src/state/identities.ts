import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { Identity, IdentityStore } from "../boot/identities.ts";
import { after } from "../bytes/instant.ts";
import { parseMac } from "../bytes/mac.ts";
import { IDENTITIES_MAX, IDENTITIES_WAITING_MAX, IDENTITY_WRITTEN_MS } from "../limits.ts";
import type { Clock } from "../net/clock.ts";

export interface StateDeps {
  readonly clock: Clock;
  readonly report: (what: string, error: unknown) => void;
}

/** Identities as rows: those of a few seconds in one transaction, the last ones at the end. */
export function identityStore(
  database: DatabaseSync,
  { clock, report }: StateDeps,
): IdentityStore & Disposable {
  const all = database.prepare("SELECT * FROM identities ORDER BY heard_ms");
  const put = database.prepare("INSERT OR REPLACE INTO identities VALUES (?, ?, ?, ?, ?)");
  const count = database.prepare("SELECT count(*) AS rows FROM identities");
  const forget = database.prepare(
    "DELETE FROM identities WHERE mac IN (SELECT mac FROM identities ORDER BY heard_ms DESC LIMIT -1 OFFSET ?)",
  );
  const waiting = new Map<string, Identity>();
  const write = (): void => {
    alarm.set(undefined);
    if (waiting.size === 0) return;
    const identities = [...waiting.values()];
    waiting.clear();
    try {
      database.exec("BEGIN IMMEDIATE");
      for (const identity of identities) put.run(...rowOf(identity));
      if (Number(count.get()?.["rows"]) > IDENTITIES_MAX) forget.run(IDENTITIES_MAX);
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      report("identities of nodes are not on disk", error);
    }
  };
  const alarm = clock.alarm(write);
  return {
    load: () => all.all().flatMap((row) => identityOfRow(row) ?? []),
    save(identity) {
      if (waiting.size === 0) alarm.set(after(clock.now(), IDENTITY_WRITTEN_MS));
      waiting.set(identity.mac, identity);
      if (waiting.size >= IDENTITIES_WAITING_MAX) write();
    },
    [Symbol.dispose]() {
      write();
      alarm[Symbol.dispose]();
    },
  };
}

function rowOf({ mac, uuid, serial, architecture, heardAt }: Identity) {
  return [mac, uuid ?? null, serial ?? null, architecture ?? null, Math.round(heardAt)] as const;
}

/** A row that says nothing sensible is as good as none: its node says it again. */
function identityOfRow(row: Record<string, SQLOutputValue>): Identity | undefined {
  const mac = parseMac(String(row["mac"]));
  const heardAt = Number(row["heard_ms"]);
  if (mac === undefined || !Number.isFinite(heardAt)) return undefined;
  const { uuid, serial, architecture } = row;
  return {
    mac,
    uuid: typeof uuid === "string" ? uuid : undefined,
    serial: typeof serial === "string" ? serial : undefined,
    architecture: typeof architecture === "number" ? architecture : undefined,
    heardAt,
  };
}
