import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ImageStore } from "../../../src/image/store/store.ts";
import { currentIn, versionFile } from "../../../src/image/store/versions.ts";
import { directoryOf } from "../../sidus.ts";

const [a, b, c] = ["a", "b", "c"].map((digit) => digit.repeat(64)) as [string, string, string];

function threeVersions(): ImageStore {
  const files = [a, b, c].map((digest) => [`room/${versionFile(digest)}`, ""]);
  return new ImageStore(directoryOf(Object.fromEntries(files)));
}

const nothing = /^no version of room that is still there was current before: choose one/;

test("rollback goes back one version, then one further, and ends where nothing was before", async () => {
  const store = threeVersions();
  for (const digest of [a, b, c]) store.use("room", digest);
  expect(store.previous("room")).toBe(b);
  expect(store.rollback("room")).toBe(b);
  expect(store.rollback("room")).toBe(a);
  expect(store.previous("room")).toBeUndefined();
  expect(() => store.rollback("room")).toThrow(nothing);
  expect(await currentIn(store.directoryOf("room"))).toBe(a);
});

test("what is used after a rollback can be rolled back; what was rolled back does not return", async () => {
  const store = threeVersions();
  for (const digest of [a, b]) store.use("room", digest);
  store.rollback("room");
  store.use("room", c);
  expect(store.rollback("room")).toBe(a);
  expect(() => store.rollback("room")).toThrow(nothing);
});

test("using the current version again is nothing that rollback would undo", () => {
  const store = threeVersions();
  for (const digest of [a, b, b, b]) store.use("room", digest);
  expect(store.rollback("room")).toBe(a);
});

test("versions that were removed are passed over", () => {
  const store = threeVersions();
  for (const digest of [a, b, c]) store.use("room", digest);
  store.remove("room", b, 0);
  expect(store.rollback("room")).toBe(a);
});

test("a history that is lost or damaged is none, and the next use begins another", () => {
  for (const text of ["{", "[1, null]", '["../../etc/passwd"]', "{}"]) {
    const store = threeVersions();
    for (const digest of [a, b]) store.use("room", digest);
    writeFileSync(join(store.directoryOf("room"), "history.json"), text);
    expect(() => store.rollback("room")).toThrow(nothing);
    store.use("room", c);
    expect(store.rollback("room")).toBe(b);
  }
});

test("a crash between the history and the link leaves a version to go back to", () => {
  const store = threeVersions();
  for (const digest of [a, b]) store.use("room", digest);
  const history = join(store.directoryOf("room"), "history.json");
  // As `use c` leaves it before its link is in place.
  writeFileSync(history, JSON.stringify([a, b]));
  expect(store.rollback("room")).toBe(a);
});

test("the history is bounded", () => {
  const store = threeVersions();
  for (let round = 0; round < 130; round += 1) store.use("room", round % 2 === 0 ? a : b);
  const file = join(store.directoryOf("room"), "history.json");
  expect(JSON.parse(readFileSync(file, "utf8"))).toHaveLength(100);
  rmSync(file);
});
