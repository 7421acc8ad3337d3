import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Identity } from "../../src/boot/identities.ts";
import { IDENTITIES_MAX, IDENTITIES_WAITING_MAX, IDENTITY_WRITTEN_MS } from "../../src/limits.ts";
import { openState } from "../../src/state/state.ts";
import { numberedMac } from "../dhcp/messages.ts";
import { VirtualClock } from "../sim/clock.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sidus-identities-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function identity(number: number, heardAt = 1_800_000_000_000 + number): Identity {
  const uuid = "4c4c4544-0042-3510-8052-b4c04f4e3132";
  return { mac: numberedMac(number), uuid, serial: undefined, architecture: 7, heardAt };
}

function open(clock = new VirtualClock()) {
  const reported: unknown[] = [];
  const state = openState(directory);
  const store = state.identities({ clock, report: (_, error) => reported.push(error) });
  return { clock, reported, store, [Symbol.dispose]: () => state[Symbol.dispose]() };
}

/** What a state opened anew has in it. */
function stored(): readonly Identity[] {
  using opened = open();
  return opened.store.load();
}

describe("identities on disk", () => {
  test("those of a few seconds are written together, and nobody waits", () => {
    using opened = open();
    const { store, clock } = opened;
    store.save(identity(1));
    store.save({ ...identity(2), uuid: undefined, serial: "S1", architecture: undefined });
    store.save(identity(1, 1_900_000_000_000));
    expect(store.load()).toEqual([]);
    clock.advance(IDENTITY_WRITTEN_MS);
    expect(store.load()).toEqual([
      { ...identity(2), uuid: undefined, serial: "S1", architecture: undefined },
      identity(1, 1_900_000_000_000),
    ]);
    expect(clock.next()).toBeUndefined();
  });

  test("the last ones are written at the end", () => {
    {
      using opened = open();
      opened.store.save(identity(1));
    }
    expect(stored()).toEqual([identity(1)]);
  });

  test("many at once do not wait for the time", () => {
    using opened = open();
    for (let number = 0; number < IDENTITIES_WAITING_MAX; number += 1) {
      opened.store.save(identity(number));
    }
    expect(opened.store.load()).toHaveLength(IDENTITIES_WAITING_MAX);
    expect(opened.clock.next()).toBeUndefined();
  });

  test("those that were silent longest make room", () => {
    using opened = open();
    for (let number = 0; number < IDENTITIES_MAX + 100; number += 1) {
      opened.store.save(identity(number));
    }
    opened.clock.advance(IDENTITY_WRITTEN_MS);
    const kept = opened.store.load();
    expect(kept).toHaveLength(IDENTITIES_MAX);
    expect(kept[0]).toEqual(identity(100));
  });

  test("rows that no identity can have are passed over", () => {
    {
      using opened = open();
      opened.store.save(identity(1));
    }
    {
      using database = new DatabaseSync(join(directory, "sidus.db"));
      database.exec("INSERT INTO identities VALUES ('notamacatall', NULL, NULL, NULL, 1)");
      database.exec("INSERT INTO identities VALUES ('52540000ffff', '', NULL, -5, 0)");
    }
    const rows = stored();
    expect(rows.map((row) => row.mac)).toEqual([numberedMac(0xffff), numberedMac(1)]);
  });

  test("a state of an older sidus, without them, keeps its leases and gets a place for them", () => {
    {
      using database = new DatabaseSync(join(directory, "sidus.db"));
      database.exec(
        "CREATE TABLE leases (mac TEXT PRIMARY KEY, address INTEGER NOT NULL UNIQUE, until_ms INTEGER) STRICT, WITHOUT ROWID",
      );
      database.exec(
        "INSERT INTO leases VALUES ('525400000001', 167772161, 5); PRAGMA user_version = 1",
      );
    }
    expect(stored()).toEqual([]);
    using state = openState(directory);
    expect(state.leases.load()).toMatchObject([{ mac: "525400000001", until: 5 }]);
  });

  test("a disk that takes nothing is reported, and the server goes on", () => {
    using opened = open();
    const { store, clock, reported } = opened;
    store.save({ ...identity(1), heardAt: Number.NaN });
    clock.advance(IDENTITY_WRITTEN_MS);
    expect(reported).toHaveLength(1);
    store.save(identity(2));
    clock.advance(IDENTITY_WRITTEN_MS);
    expect(store.load()).toEqual([identity(2)]);
  });
});
