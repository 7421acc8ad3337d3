import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { openStaging, sweepStagings } from "../../src/image/staging.ts";
import { UserError } from "../../src/user-error.ts";
import { lackingOf, title } from "../needs.ts";
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

test("what killed work left of an image is swept, whatever work; what is being worked in stays", () => {
  const parent = directoryOf({
    ".room+committing.partial-abc123/volume": "large",
    ".room+changing.partial-def456/tree/file": "x",
    ".room2+changing.partial-def456/tree/file": "x",
    "room/kept": "kept",
  });
  const held = openStaging(join(parent, "room+sealing"));
  sweepStagings(join(parent, "room+"));
  expect(existsSync(held.directory)).toBe(true);
  held.discard();
  expect(readdirSync(parent).sort()).toEqual([".room2+changing.partial-def456", "room"]);
});

test("two builds of one tree at once: the second is refused; other trees do not mind", () => {
  const parent = directoryOf({});
  const first = openStaging(join(parent, "room"));
  const again = () => openStaging(join(parent, "room"));
  expect(again).toThrow(/^another process is building .*room already/);
  // Refusing it did not let go of the first one's lock.
  expect(again).toThrow(/already/);
  const other = openStaging(join(parent, "room2"));
  expect(existsSync(first.directory)).toBe(true);
  first.discard();
  other.discard();
});

test("what a dead process left is removed by the next build, whatever it is", () => {
  const parent = directoryOf({
    ".room.partial-AbCdEf/tree/etc/passwd": "half",
    ".room.partial-nonsense/tree/etc/passwd": "half",
    ".other.partial-AbCdEf/tree/etc/passwd": "another tree's",
  });
  const staging = openStaging(join(parent, "room"));
  staging.discard();
  expect(readdirSync(parent)).toEqual([".other.partial-AbCdEf"]);
});

test("a process that is killed holds nothing any more, whoever asks from wherever", async () => {
  const parent = directoryOf({});
  const url = new URL("../../src/image/staging.ts", import.meta.url).href;
  const script = `const { openStaging } = await import("${url}"); openStaging(process.argv[1]); console.log("open"); setInterval(() => {}, 1000)`;
  const args = ["--input-type=module", "--eval", script, join(parent, "room")];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  expect(() => openStaging(join(parent, "room"))).toThrow(/already/);
  child.kill("SIGKILL");
  await once(child, "exit");
  const staging = openStaging(join(parent, "room"));
  expect(readdirSync(parent)).toHaveLength(1);
  staging.discard();
  expect(readdirSync(parent)).toEqual([]);
});

const lacking = lackingOf("root", "unshare", "chattr");
describe.skipIf(lacking !== undefined)(title("leftovers of root's", lacking), () => {
  test("are removed though they are immutable, or may only grow", ({ skip }) => {
    const parent = directoryOf({
      ".room.partial-AbCdEf/tree/etc/a": "",
      ".room.partial-AbCdEf/b": "",
    });
    const left = join(parent, ".room.partial-AbCdEf");
    // Not every file system has such attributes: tmpfs before Linux 6.6.
    if (spawnSync("chattr", ["+i", join(left, "tree/etc/a")]).status !== 0)
      skip("no attributes here");
    spawnSync("chattr", ["+a", join(left, "tree/etc")]);
    openStaging(join(parent, "room")).discard();
    expect(readdirSync(parent)).toEqual([]);
  });
});
