import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { applyPolicy, policyOf, removeUnused, setPolicy } from "../../../src/image/store/keep.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { VersionUses } from "../../../src/image/store/uses.ts";
import { digestsIn, manifestFile, versionFile } from "../../../src/image/store/versions.ts";
import { directoryOf } from "../../sidus.ts";

const digests = ["0", "1", "2", "3", "4", "5"].map((digit) => digit.repeat(64));

/** 5 is the newest, 0 is current, 1 is run by a node. */
function sixVersions(): ImageStore {
  const files = digests.flatMap((digest, minute) => [
    [`room/${versionFile(digest)}`, ""],
    [
      `room/${manifestFile(digest)}`,
      JSON.stringify({
        ...{ name: "room", digest, bytes: 0, sidus: "1" },
        sealed: new Date(minute * 60_000).toISOString(),
      }),
    ],
  ]);
  const store = new ImageStore(directoryOf(Object.fromEntries(files)));
  store.use("room", digests[0] ?? "");
  const uses = new VersionUses(store.directoryOf("room"));
  uses.note(digests[1] ?? "", ["10.0.0.1"], 0);
  uses.save();
  return store;
}

async function left(store: ImageStore): Promise<string> {
  const found = await digestsIn(store.directoryOf("room"));
  return found
    .map((digest) => digest.slice(0, 1))
    .sort()
    .join("");
}

test("the newest stay, besides the current one and those in use", async () => {
  const store = sixVersions();
  setPolicy(store, "room", 2);
  expect(policyOf(store, "room")).toBe(2);
  const removed = await applyPolicy(store, "room", 0);
  expect(removed.map((digest) => digest.slice(0, 1))).toEqual(["3", "2"]);
  expect(await left(store)).toBe("0145");
  expect(await applyPolicy(store, "room", 0)).toEqual([]);
});

test("none besides them is a policy, too", async () => {
  const store = sixVersions();
  setPolicy(store, "room", 0);
  await applyPolicy(store, "room", 0);
  expect(await left(store)).toBe("01");
});

test("without a policy, or with one that is damaged, all stay", async () => {
  const store = sixVersions();
  expect(await applyPolicy(store, "room", 0)).toEqual([]);
  for (const text of ["{", "{}", '{"keep":-1}', '{"keep":1.5}', '{"keep":"1"}', "null"]) {
    writeFileSync(join(store.directoryOf("room"), "policy.json"), text);
    expect(policyOf(store, "room")).toBeUndefined();
    expect(await applyPolicy(store, "room", 0)).toEqual([]);
  }
  setPolicy(store, "room", 1);
  setPolicy(store, "room", undefined);
  expect(policyOf(store, "room")).toBeUndefined();
  expect(await left(store)).toBe("012345");
});

test("what rollback goes to is kept before newer ones that were rolled back from", async () => {
  const store = sixVersions();
  const [, , third = "", , , newest = ""] = digests;
  for (const digest of [third, newest]) store.use("room", digest);
  // Back to it, and on from there.
  store.rollback("room");
  store.use("room", digests[3] ?? "");
  await removeUnused(store, "room", { keep: 1, nowMs: 0 });
  expect(await left(store)).toBe("123");
  expect(store.rollback("room")).toBe(third);
});

test("what is unused can be removed without a policy", async () => {
  const store = sixVersions();
  expect(await removeUnused(store, "room", { keep: 0, nowMs: 0 })).toHaveLength(4);
  expect(await left(store)).toBe("01");
});
