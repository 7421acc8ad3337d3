import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { VersionUses } from "../../../src/image/store/uses.ts";
import { directoryOf } from "../../sidus.ts";

const [older, newer] = ["a".repeat(64), "b".repeat(64)] as const;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

function nodesOf(uses: VersionUses, digest: string, nowMs: number): string[] {
  return uses.of(digest, nowMs).map((use) => use.address);
}

test("a node that is off says nothing, and its use counts for a week", () => {
  const uses = new VersionUses(directoryOf({}));
  uses.note(older, ["10.0.0.1", "10.0.0.2", "10.0.0.1"], 0);
  uses.note(older, ["10.0.0.2"], DAY);
  expect(nodesOf(uses, older, 7 * DAY - 1)).toEqual(["10.0.0.1", "10.0.0.2"]);
  expect(nodesOf(uses, older, 7 * DAY)).toEqual(["10.0.0.2"]);
  expect(nodesOf(uses, older, 8 * DAY)).toEqual([]);
});

test("a node that booted another version leaves the first, but not while it uses both", () => {
  const uses = new VersionUses(directoryOf({}));
  uses.note(older, ["10.0.0.1", "10.0.0.2"], 0);
  uses.note(newer, ["10.0.0.1"], 5 * MINUTE);
  expect(nodesOf(uses, older, 5 * MINUTE)).toEqual(["10.0.0.1", "10.0.0.2"]);
  uses.note(newer, ["10.0.0.1"], 10 * MINUTE);
  expect(nodesOf(uses, older, 10 * MINUTE)).toEqual(["10.0.0.2"]);
  expect(nodesOf(uses, newer, 10 * MINUTE)).toEqual(["10.0.0.1"]);
});

test("a node's first use of a version is news; so is one after a week without a sign", () => {
  const uses = new VersionUses(directoryOf({}));
  expect(uses.note(older, ["10.0.0.1"], 0)).toBe(true);
  expect(uses.note(older, ["10.0.0.1"], DAY)).toBe(false);
  expect(uses.note(older, [], DAY)).toBe(false);
  expect(uses.note(older, ["10.0.0.1", "10.0.0.2"], DAY)).toBe(true);
  expect(uses.note(newer, ["10.0.0.1"], DAY)).toBe(true);
  expect(uses.note(older, ["10.0.0.2"], 8 * DAY)).toBe(true);
});

test("what is saved is there for others and after a restart, and nothing besides", () => {
  const directory = directoryOf({});
  const uses = new VersionUses(directory);
  uses.note(older, ["10.0.0.1"], 0);
  uses.save();
  uses.note(newer, ["10.0.0.1"], DAY);
  uses.save();
  expect(readdirSync(directory)).toEqual(["nodes.json"]);
  const again = new VersionUses(directory);
  expect(again.of(newer, DAY)).toEqual([{ address: "10.0.0.1", digest: newer, seenMs: DAY }]);
  expect(again.of(older, DAY)).toEqual([]);
});

test.each(["", "{", "{}", "null", '[null, 1, {"address": 1, "digest": "x", "seenMs": 1}]'])(
  "what cannot be read is nothing: %s",
  (text) => {
    const directory = directoryOf({});
    writeFileSync(join(directory, "nodes.json"), text);
    const uses = new VersionUses(directory);
    expect(uses.of("x", 1)).toEqual([]);
    uses.note(newer, ["10.0.0.1"], 0);
    expect(nodesOf(uses, newer, 0)).toEqual(["10.0.0.1"]);
  },
);
