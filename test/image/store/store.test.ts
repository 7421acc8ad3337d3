import { readdirSync, readlinkSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ImageStore } from "../../../src/image/store/store.ts";
import { VersionUses } from "../../../src/image/store/uses.ts";
import { currentIn, digestsIn, identityOf } from "../../../src/image/store/versions.ts";
import { UserError } from "../../../src/user-error.ts";
import { directoryOf } from "../../sidus.ts";

const older = `0123456789abcdef${"0".repeat(48)}`;
const newer = `0123456780000000${"f".repeat(48)}`;
const DAY = 86_400_000;

/** Two versions of `room`, the newer one current; what else may lie about is no version. */
function twoVersions(): ImageStore {
  const directory = directoryOf({
    [`room/${older}.erofs`]: "old",
    [`room/${older}.json`]: JSON.stringify({
      ...{ name: "elsewhere", digest: newer, bytes: 99, sealed: "2026-01-02T03:04:05.000Z" },
      ...{ sidus: "0.1.0", kernel: "6.1.0-1-amd64" },
    }),
    [`room/${newer}.erofs`]: "newer",
    [`room/${newer}.json`]: "{damaged",
    [`room/${"a".repeat(64)}.json`]: "{}",
    [`room/${"a".repeat(63)}.erofs`]: "",
    [`room/${"A".repeat(64)}.erofs`]: "",
    "empty/file": "",
    ".room+sealing.partial-1-2-x/image.erofs": "",
    file: "",
  });
  utimesSync(join(directory, `room/${newer}.erofs`), 0, 1_800_000_000);
  const store = new ImageStore(directory);
  store.use("room", newer);
  return store;
}

test("versions are told from all else; what is known of them is told, the newest first", async () => {
  const store = twoVersions();
  expect(await store.names()).toEqual(["room"]);
  expect(await store.versions("room", 0)).toEqual([
    {
      ...{ name: "room", digest: newer, bytes: 5, sealed: "2027-01-15T08:00:00.000Z" },
      ...{ sidus: "?", kernel: undefined, made: "?", isCurrent: true, nodes: [] },
    },
    {
      ...{ name: "room", digest: older, bytes: 3, sealed: "2026-01-02T03:04:05.000Z" },
      ...{ sidus: "0.1.0", kernel: "6.1.0-1-amd64", made: "?", isCurrent: false, nodes: [] },
    },
  ]);
  expect(identityOf(older)).toBe(0x0123456789abcdefn);
});

test("with none that is current, what is said names the versions, not that there is no image", () => {
  const store = twoVersions();
  rmSync(join(store.directoryOf("room"), "current"));
  expect(store.noImage("room").message).toMatch(/^no version of room is current: choose one/);
  expect(store.noImage("file").message).toMatch(/^there is no image file in /);
});

test("where nothing is, there are no images and no versions", async () => {
  const store = new ImageStore(join(directoryOf({ file: "" }), "absent"));
  expect(await store.names()).toEqual([]);
  expect(await store.versions("room", 0)).toEqual([]);
  expect(await currentIn(store.directoryOf("room"))).toBeUndefined();
  await expect(store.find("room", "0")).rejects.toThrow(
    /^there is no image room in .*\/absent: seal one \(sidus image seal room DIRECTORY\)$/,
  );
});

test("what stands in place of the link to the current version is no current version", async () => {
  const directory = directoryOf({ current: "a file" });
  expect(await currentIn(directory)).toBeUndefined();
  expect(await digestsIn(join(directory, "current"))).toEqual([]);
});

test("a version is found by the beginning of its digest, where only one begins so", async () => {
  const store = twoVersions();
  expect(await store.find("room", "0123456789")).toBe(older);
  expect(await store.find("room", "012345678000")).toBe(newer);
  expect(await store.find("room", "0123456789ABC")).toBe(older);
  expect(await store.find("room", older)).toBe(older);
  const there = "there are 012345678000, 0123456789ab";
  for (const [prefix, count] of [
    ["0123", "more than one"],
    ["", "more than one"],
    ["1", "no"],
    [`${older}0`, "no"],
  ] as const) {
    await expect(store.find("room", prefix)).rejects.toThrow(
      new UserError(`${count} version of room begins with "${prefix}"; ${there}`),
    );
  }
});

test("another version is made current, and the first again, by one rename", async () => {
  const store = twoVersions();
  const directory = store.directoryOf("room");
  store.use("room", older);
  const before = readdirSync(directory);
  expect(readlinkSync(join(directory, "current"))).toBe(`${older}.erofs`);
  expect(await currentIn(directory)).toBe(older);
  store.use("room", newer);
  expect(await currentIn(directory)).toBe(newer);
  expect(readdirSync(directory)).toEqual(before);
  expect(() => store.use("room", "f".repeat(64))).toThrow(
    "ffffffffffff of room was removed meanwhile",
  );
  expect(await currentIn(directory)).toBe(newer);
});

test("the current version is not removed; another one is, with what was written of it", async () => {
  const store = twoVersions();
  expect(() => store.remove("room", newer, 0)).toThrow(
    "012345678000 is the current version of room: make another one current first (sidus image use)",
  );
  store.remove("room", older, 0);
  const left = readdirSync(store.directoryOf("room"));
  expect(left.filter((name) => name.startsWith(older))).toEqual([]);
  expect(await digestsIn(store.directoryOf("room"))).toEqual([newer]);
});

test("a version that nodes run is not removed, until they were off for a week", async () => {
  const store = twoVersions();
  const uses = new VersionUses(store.directoryOf("room"));
  uses.note(
    older,
    [1, 2, 3, 4, 5, 6, 7].map((node) => `10.0.0.${node}`),
    0,
  );
  uses.save();
  expect((await store.versions("room", 0))[1]?.nodes).toHaveLength(7);
  expect(() => store.remove("room", older, 7 * DAY - 1)).toThrow(
    "0123456789ab of room is in use by 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5 and 2 more: " +
      "boot them again, or wait until they are off for a week",
  );
  expect(await store.find("room", older)).toBe(older);
  store.remove("room", older, 7 * DAY);
  await expect(store.find("room", older)).rejects.toThrow(UserError);
});

test("work on an image is done beside it, and is no image", async () => {
  const store = twoVersions();
  const staging = store.stage("room", "building");
  writeFileSync(join(staging.directory, `${older}.erofs`), "");
  expect(await store.names()).toEqual(["room"]);
  expect(() => store.stage("room", "building")).toThrow(/is building .*room\+building already/);
  store.stage("room", "sealing").discard();
  staging.discard();
});
