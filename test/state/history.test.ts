import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  HISTORY_BOOTS_MAX,
  HISTORY_BOOTS_PER_NODE,
  HISTORY_TEXT_MAX,
  HISTORY_WAITING_MAX,
  HISTORY_WRITTEN_MS,
} from "../../src/limits.ts";
import { openState } from "../../src/state/state.ts";
import type { PastBoot } from "../../src/watch/past.ts";
import { type Stage, stages } from "../../src/watch/timeline.ts";
import { address, numberedMac } from "../dhcp/messages.ts";
import { VirtualClock } from "../sim/clock.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "sidus-state-"));
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

function boot(node: number, beganAt: number, said: Partial<PastBoot> = {}): PastBoot {
  const reached = new Map<Stage, number>([
    ["dhcp", 3060],
    ["up", 41_000],
  ]);
  const [tree, digest] = ["sidus", "ab".repeat(32)];
  return { mac: numberedMac(node), beganAt, tree, digest, reached, ...said };
}

interface Opened extends Disposable {
  readonly clock: VirtualClock;
  readonly boots: ReturnType<ReturnType<typeof openState>["boots"]>;
  readonly reports: string[];
}

function open(): Opened {
  const clock = new VirtualClock();
  const reports: string[] = [];
  const report = (what: string, error: unknown): void => void reports.push(`${what}: ${error}`);
  const state = openState(directory);
  const boots = state.boots({ clock, report });
  return { clock, boots, reports, [Symbol.dispose]: () => state[Symbol.dispose]() };
}

/** What is in the file, as another process sees it. */
function rowsOnDisk(): number {
  const database = new DatabaseSync(join(directory, "sidus.db"));
  const rows = database.prepare("SELECT count(*) AS rows FROM boots").get()?.["rows"];
  database.close();
  return Number(rows);
}

describe("boots", () => {
  test("are there after the file was closed and opened again, the latest first", () => {
    const unfinished = boot(1, 3000, {
      tree: undefined,
      digest: undefined,
      reached: new Map([["dhcp", 1]]),
    });
    {
      using state = open();
      for (const one of [boot(1, 1000), unfinished, boot(2, 2000)]) state.boots.save(one);
    }
    expect(rowsOnDisk()).toBe(3);
    using state = open();
    expect(state.boots.of(numberedMac(1))).toEqual([unfinished, boot(1, 1000)]);
    expect(state.boots.latest(2)).toEqual([unfinished, boot(2, 2000)]);
    expect(state.boots.times()).toEqual([
      { mac: numberedMac(1), beganAt: 3000, upMs: undefined },
      { mac: numberedMac(2), beganAt: 2000, upMs: 41_000 },
      { mac: numberedMac(1), beganAt: 1000, upMs: 41_000 },
    ]);
    expect(state.boots.of(numberedMac(3))).toEqual([]);
  });

  test("whatever they reached comes back to the millisecond", () => {
    using state = open();
    const anyBoot = fc.record({
      mac: fc.nat(50).map(numberedMac),
      beganAt: fc.nat(2 ** 45),
      tree: fc.option(fc.string({ maxLength: HISTORY_TEXT_MAX }), { nil: undefined }),
      digest: fc.constantFrom(undefined, "0f".repeat(32)),
      reached: fc
        .uniqueArray(fc.constantFrom(...stages))
        .chain((some) =>
          fc
            .array(fc.nat(1e7), { minLength: some.length, maxLength: some.length })
            .map(
              (times) =>
                new Map(
                  stages
                    .filter((stage) => some.includes(stage))
                    .map((stage, i) => [stage, times[i] ?? 0]),
                ),
            ),
        ),
    });
    fc.assert(
      fc.property(anyBoot, (saved) => {
        state.boots.save(saved);
        state.clock.advance(HISTORY_WRITTEN_MS);
        const found = state.boots.of(saved.mac).find(({ beganAt }) => beganAt === saved.beganAt);
        const isForgotten = state.boots.of(saved.mac).length === HISTORY_BOOTS_PER_NODE;
        if (found !== undefined || !isForgotten) expect(found).toEqual(saved);
      }),
      { numRuns: 200 },
    );
    expect(state.reports).toEqual([]);
  });

  test("are seen before they are written; one that got further replaces itself", () => {
    using state = open();
    state.boots.save(boot(1, 1000, { reached: new Map([["dhcp", 3]]) }));
    expect(state.boots.of(numberedMac(1))).toHaveLength(1);
    state.clock.advance(HISTORY_WRITTEN_MS);
    state.boots.save(boot(1, 1000));
    expect(state.boots.of(numberedMac(1))).toEqual([boot(1, 1000)]);
    expect(state.boots.latest(9)).toEqual([boot(1, 1000)]);
    state.clock.advance(HISTORY_WRITTEN_MS);
    expect(state.boots.of(numberedMac(1))).toEqual([boot(1, 1000)]);
  });

  test("are written together: after a while, or when there are many", () => {
    using state = open();
    state.boots.save(boot(1, 1));
    expect(state.clock.next()).toBe(HISTORY_WRITTEN_MS);
    state.clock.advance(HISTORY_WRITTEN_MS);
    expect(state.clock.next()).toBeUndefined();
    for (let node = 0; node < HISTORY_WAITING_MAX; node += 1) state.boots.save(boot(node, 2));
    expect(state.clock.next()).toBeUndefined();
  });

  test("of one node only the last are kept, and of all nodes", () => {
    using state = open();
    for (let at = 1; at <= HISTORY_BOOTS_PER_NODE + 5; at += 1) state.boots.save(boot(1, at));
    state.clock.advance(HISTORY_WRITTEN_MS);
    const kept = state.boots.of(numberedMac(1)).map(({ beganAt }) => beganAt);
    expect(kept).toHaveLength(HISTORY_BOOTS_PER_NODE);
    expect(kept.at(-1)).toBe(6);
    for (let node = 2; node < HISTORY_BOOTS_MAX + 100; node += 1) {
      state.boots.save(boot(node, 1000 + node));
    }
    state.clock.advance(HISTORY_WRITTEN_MS);
    expect(state.boots.latest(HISTORY_BOOTS_MAX * 2)).toHaveLength(HISTORY_BOOTS_MAX);
    expect(state.boots.of(numberedMac(1))).toEqual([]);
  });

  test("of who took an address and no more are forgotten first: inventing nodes pushes none out", () => {
    using state = open();
    const reached = new Map<Stage, number>([["dhcp", 1]]);
    for (let node = 2; node < HISTORY_BOOTS_MAX + 100; node += 1) {
      state.boots.save(boot(node, 1000 + node, { reached }));
    }
    state.boots.save(boot(1, 1));
    state.clock.advance(HISTORY_WRITTEN_MS);
    expect(state.boots.latest(HISTORY_BOOTS_MAX * 2)).toHaveLength(HISTORY_BOOTS_MAX);
    expect(state.boots.of(numberedMac(1))).toEqual([boot(1, 1)]);
  });

  test("that cannot be written are reported, and lost; the next ones are not", () => {
    using state = open();
    state.boots.save(boot(1, Number.NaN));
    state.clock.advance(HISTORY_WRITTEN_MS);
    expect(state.reports).toHaveLength(1);
    state.boots.save(boot(1, 5));
    state.clock.advance(HISTORY_WRITTEN_MS);
    expect(state.boots.of(numberedMac(1))).toEqual([boot(1, 5)]);
  });

  test("a row that no node can be is passed over; a long name of a tree is cut", () => {
    {
      using state = open();
      state.boots.save(boot(1, 1, { tree: "x".repeat(1000) }));
    }
    const database = new DatabaseSync(join(directory, "sidus.db"));
    database.exec("INSERT INTO boots (mac, began_ms) VALUES ('nonsense', 7)");
    database.close();
    using state = open();
    const [only, ...others] = state.boots.latest(9);
    expect(only?.tree).toHaveLength(HISTORY_TEXT_MAX);
    expect(state.boots.times()).toHaveLength(1);
    expect(others).toEqual([]);
  });
});

describe("databases of earlier versions", () => {
  test.each([1, 2])("version %i goes on with all that it had", (version) => {
    const file = new URL(`../../fixtures/state/version-${version}.db`, import.meta.url);
    cpSync(fileURLToPath(file), join(directory, "sidus.db"));
    {
      using state = openState(directory);
      expect(state.leases.load()).toEqual([
        { mac: "525400770002", address: address("10.77.0.51"), until: Number.POSITIVE_INFINITY },
        { mac: "525400770001", address: address("10.77.0.50"), until: 1_800_000_000_000 },
      ]);
      const deps = { clock: new VirtualClock(), report: () => {} };
      const uuids = state
        .identities(deps)
        .load()
        .map(({ uuid }) => uuid);
      expect(uuids).toEqual(version === 1 ? [] : ["01020304050607080910111213141516"]);
      state.boots(deps).save(boot(1, 1000));
    }
    using again = open();
    expect(again.boots.of(numberedMac(1))).toEqual([boot(1, 1000)]);
  });
});
