import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { after } from "../bytes/instant.ts";
import { type MacAddress, parseMac } from "../bytes/mac.ts";
import {
  HISTORY_BOOTS_MAX,
  HISTORY_BOOTS_PER_NODE,
  HISTORY_TEXT_MAX,
  HISTORY_WAITING_MAX,
  HISTORY_WRITTEN_MS,
} from "../limits.ts";
import type { BootTime, PastBoot, PastBoots } from "../watch/past.ts";
import type { Stage } from "../watch/timeline.ts";
import type { StateDeps } from "./identities.ts";

/** In the order of the columns `…_ms`. */
const columns = [
  "dhcp",
  "loader",
  "kernel",
  "root",
  "volume",
  "up",
] as const satisfies readonly Stage[];

/** Boots as rows: those of a few seconds in one transaction, the last ones at the end. */
export function bootStore(
  database: DatabaseSync,
  { clock, report }: StateDeps,
): PastBoots & Disposable {
  const of = database.prepare("SELECT * FROM boots WHERE mac = ? ORDER BY began_ms DESC LIMIT ?");
  const latest = database.prepare("SELECT * FROM boots ORDER BY began_ms DESC LIMIT ?");
  const times = database.prepare("SELECT mac, began_ms, up_ms FROM boots ORDER BY began_ms DESC");
  const write = batchWriter(database);
  const waiting = new Map<string, PastBoot>();
  const flush = (): void => {
    alarm.set(undefined);
    if (waiting.size === 0) return;
    const boots = [...waiting.values()];
    waiting.clear();
    try {
      write(boots);
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      report("boots of nodes are not on disk", error);
    }
  };
  const alarm = clock.alarm(flush);
  /** What waits is newer than what is there. */
  const withWaiting = (rows: Record<string, SQLOutputValue>[], mine: readonly PastBoot[]) => {
    const isWaiting = (boot: PastBoot) => waiting.has(keyOf(boot));
    const stored = rows.flatMap((row) => bootOfRow(row) ?? []).filter((boot) => !isWaiting(boot));
    return [...mine, ...stored].sort((a, b) => b.beganAt - a.beganAt);
  };
  return {
    save(boot) {
      if (waiting.size === 0) alarm.set(after(clock.now(), HISTORY_WRITTEN_MS));
      waiting.set(keyOf(boot), boot);
      if (waiting.size >= HISTORY_WAITING_MAX) flush();
    },
    of(mac) {
      const mine = [...waiting.values()].filter((boot) => boot.mac === mac);
      const rows = of.all(mac, HISTORY_BOOTS_PER_NODE);
      return withWaiting(rows, mine).slice(0, HISTORY_BOOTS_PER_NODE);
    },
    latest: (most) => withWaiting(latest.all(most), [...waiting.values()]).slice(0, most),
    times() {
      flush();
      return times.all().flatMap((row) => timeOfRow(row) ?? []);
    },
    [Symbol.dispose]() {
      flush();
      alarm[Symbol.dispose]();
    },
  };
}

/** Writes all or none, and forgets what is too much. */
function batchWriter(database: DatabaseSync): (boots: readonly PastBoot[]) => void {
  const put = database.prepare(
    "INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
  );
  const forgetOf = database.prepare(
    "DELETE FROM boots WHERE mac = ? AND began_ms IN (SELECT began_ms FROM boots WHERE mac = ? ORDER BY began_ms DESC LIMIT -1 OFFSET ?)",
  );
  const count = database.prepare("SELECT count(*) AS rows FROM boots");
  const forget = database.prepare(
    // First those that took an address and no more: whoever invents nodes must not push the real ones out.
    "DELETE FROM boots WHERE (mac, began_ms) IN (SELECT mac, began_ms FROM boots ORDER BY loader_ms IS NULL AND kernel_ms IS NULL AND up_ms IS NULL, began_ms DESC LIMIT -1 OFFSET ?)",
  );
  return (boots) => {
    database.exec("BEGIN IMMEDIATE");
    for (const boot of boots) put.run(...rowOf(boot));
    for (const mac of new Set(boots.map((boot) => boot.mac))) {
      forgetOf.run(mac, mac, HISTORY_BOOTS_PER_NODE);
    }
    if (Number(count.get()?.["rows"]) > HISTORY_BOOTS_MAX) forget.run(HISTORY_BOOTS_MAX);
    database.exec("COMMIT");
  };
}

/** Of one that says nothing sensible, nothing. */
function timeOfRow(row: Record<string, SQLOutputValue>): BootTime | undefined {
  const mac = parseMac(String(row["mac"]));
  const upMs = row["up_ms"];
  if (mac === undefined) return undefined;
  return {
    mac,
    beganAt: Number(row["began_ms"]),
    upMs: typeof upMs === "number" ? upMs : undefined,
  };
}

function keyOf({ mac, beganAt }: PastBoot): string {
  return `${mac} ${beganAt}`;
}

function rowOf({ mac, beganAt, tree, digest, reached }: PastBoot) {
  const times = columns.map((stage) => {
    const ms = reached.get(stage);
    return ms === undefined ? null : Math.round(ms);
  });
  return [mac, beganAt, tree?.slice(0, HISTORY_TEXT_MAX) ?? null, digest ?? null, ...times];
}

/** A row that says nothing sensible is passed over. */
function bootOfRow(row: Record<string, SQLOutputValue>): PastBoot | undefined {
  const mac: MacAddress | undefined = parseMac(String(row["mac"]));
  const beganAt = Number(row["began_ms"]);
  if (mac === undefined || !Number.isSafeInteger(beganAt)) return undefined;
  const { tree, digest } = row;
  const reached = columns.flatMap((stage): [Stage, number][] => {
    const ms = row[`${stage}_ms`];
    return typeof ms === "number" ? [[stage, ms]] : [];
  });
  return {
    mac,
    beganAt,
    tree: typeof tree === "string" ? tree : undefined,
    digest: typeof digest === "string" ? digest : undefined,
    reached: new Map(reached),
  };
}
