import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { expect, test } from "vitest";
import { openStaging } from "../../src/image/staging.ts";
import { UserError } from "../../src/user-error.ts";
import { directoryOf } from "../sidus.ts";

test("a tree appears at its place with all that is in it, and nothing else stays", () => {
  const parent = directoryOf({});
  const output = join(parent, "srv", "room");
  const staging = openStaging(output);
  mkdirSync(staging.tree);
  writeFileSync(join(staging.tree, "file"), "whole");
  writeFileSync(join(staging.directory, "passwords"), "root:secret\n");
  expect(existsSync(output)).toBe(false);
  staging.commit();
  expect(readdirSync(join(parent, "srv"))).toEqual(["room"]);
  expect(readdirSync(output)).toEqual(["file"]);
});

test("a discarded build leaves nothing", () => {
  const parent = directoryOf({});
  const staging = openStaging(join(parent, "room"));
  mkdirSync(staging.tree);
  staging.discard();
  expect(readdirSync(parent)).toEqual([]);
});

test("what is there is never overwritten, not even when it came meanwhile", () => {
  const parent = directoryOf({ "room/kept": "kept" });
  const output = join(parent, "room");
  expect(() => openStaging(output)).toThrow(UserError);
  expect(() => openStaging(output)).toThrow(/already there/);

  const late = join(parent, "late");
  const staging = openStaging(late);
  mkdirSync(staging.tree);
  mkdirSync(join(late));
  writeFileSync(join(late, "kept"), "kept");
  expect(() => staging.commit()).toThrow(/ENOTEMPTY|EEXIST/);
  expect(readFileSync(join(late, "kept"), "utf8")).toBe("kept");
  staging.discard();
});

test("two builds of one tree at once: the second is refused; other trees do not mind", () => {
  const parent = directoryOf({});
  const first = openStaging(join(parent, "room"));
  expect(() => openStaging(join(parent, "room"))).toThrow(`process ${process.pid} is building`);
  const other = openStaging(join(parent, "room2"));
  expect(existsSync(first.directory)).toBe(true);
  first.discard();
  other.discard();
});

test("what a dead process left is removed by the next build, also when its number is in use again", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  child.kill("SIGKILL");
  await once(child, "exit");
  const parent = directoryOf({
    [`.room.partial-${child.pid}-12345-abc/tree/etc/passwd`]: "half",
    [`.room.partial-${process.pid}-1-abc/tree/etc/passwd`]:
      "half, of another process of our number",
    ".room.partial-nonsense/tree/etc/passwd": "half",
    ".other.partial-1-1-abc/tree/etc/passwd": "another tree's",
  });
  const staging = openStaging(join(parent, "room"));
  staging.discard();
  expect(readdirSync(parent)).toEqual([".other.partial-1-1-abc"]);
});
