import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { normaliseTree } from "../../../src/image/build/normalise.ts";
import { directoryOf } from "../../sidus.ts";
import { bytesOf } from "../../tree/random-tree.ts";

/** Day 19,675. */
const EPOCH = 1_700_000_000;

test("all times later than the epoch are the epoch: of links, directories and odd names too; others stay", () => {
  const tree = directoryOf({ "a/late": "", "a/same": "", "b/early": "" });
  symlinkSync("/nowhere", join(tree, "a/link"));
  writeFileSync(bytesOf(`${tree}/a/caf\xe9`), "");
  const touch = (time: string, path: string) =>
    execFileSync("touch", ["--no-dereference", `--date=@${time}`, join(tree, path)]);
  touch("1699999999.123456789", "b/early");
  touch("1700000000", "a/same");
  touch("1700000000.000000001", "a/late");
  touch("1234567890.5", "b");
  normaliseTree(tree, EPOCH);
  const timeOf = (path: string) => lstatSync(bytesOf(`${tree}/${path}`), { bigint: true }).mtimeNs;
  expect(timeOf("b/early")).toBe(1_699_999_999_123_456_789n);
  expect(timeOf("b")).toBe(1_234_567_890_500_000_000n);
  for (const path of [".", "a", "a/late", "a/same", "a/link", "a/caf\xe9"]) {
    expect([path, timeOf(path)]).toEqual([path, BigInt(EPOCH) * 1_000_000_000n]);
  }
});

test("passwords were changed on the epoch's day at the latest; never, and on the next login, stay (shadow(5))", () => {
  const shadow = [
    "root:*:19676:0:99999:7:::",
    "old:*:19000:0:99999:7:::",
    "expired:$y$j9T$x:0:0:99999:7:::",
    "never:!::0:99999:7:::",
    "_apt:*:20000:0:99999:7:::",
    "",
  ].join("\n");
  const tree = directoryOf({ "etc/shadow": shadow });
  normaliseTree(tree, EPOCH);
  expect(readFileSync(join(tree, "etc/shadow"), "utf8")).toBe(
    shadow.replace("19676", "19675").replace("20000", "19675"),
  );
  expect(lstatSync(join(tree, "etc/shadow")).mtimeMs).toBe(EPOCH * 1000);
});

test("what is normal already is not touched, and no link is followed", () => {
  const outside = directoryOf({ shadow: "root:*:30000:0:99999:7:::\n" });
  const tree = directoryOf({ "etc/passwd": "" });
  symlinkSync(join(outside, "shadow"), join(tree, "etc/shadow"));
  normaliseTree(tree, EPOCH);
  const before = lstatSync(join(tree, "etc"), { bigint: true }).ctimeNs;
  normaliseTree(tree, EPOCH);
  expect(lstatSync(join(tree, "etc"), { bigint: true }).ctimeNs).toBe(before);
  expect(readFileSync(join(outside, "shadow"), "utf8")).toContain("30000");
});
