import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { epochOf } from "../../../src/image/build/epoch.ts";
import { directoryOf } from "../../sidus.ts";

afterEach(() => vi.unstubAllEnvs());

/** As archives write them: RFC 5322's date, in UTC. */
const release = (date: string): string =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nDate: ${date}\nValid-Until: x\n`;

const LISTS = "var/lib/apt/lists";

test("a tree is from when the newest of its archives was", () => {
  vi.stubEnv("SOURCE_DATE_EPOCH", undefined);
  const tree = directoryOf({
    [`${LISTS}/deb.example_dists_bookworm_InRelease`]: release("Sat, 06 Sep 2025 09:46:59 UTC"),
    [`${LISTS}/deb.example_dists_bookworm-updates_Release`]: release(
      "Thu, 01 Jan 2026 00:00:01 UTC",
    ),
    [`${LISTS}/deb.example_dists_broken_InRelease`]: release("some day"),
    [`${LISTS}/deb.example_dists_bookworm_main_binary-amd64_Packages`]:
      "Package: a\nDate: Thu, 01 Jan 2037 00:00:00 UTC\n",
  });
  // date --utc --date='2026-01-01 00:00:01' +%s
  expect(epochOf(tree)).toBe(1_767_225_601);
});

test("without archives it is as old as the youngest in it, links and directories too", () => {
  vi.stubEnv("SOURCE_DATE_EPOCH", undefined);
  const tree = directoryOf({ "etc/old": "" });
  const touch = (time: string, path: string) =>
    execFileSync("touch", ["--no-dereference", `--date=@${time}`, join(tree, path)]);
  symlinkSync("nowhere", join(tree, "etc/link"));
  touch("1700000000.999999999", "etc/link");
  for (const path of ["etc/old", "etc", "."]) touch("1600000000", path);
  expect(epochOf(tree)).toBe(1_700_000_000);
});

test("SOURCE_DATE_EPOCH says it before all others; what is no number says nothing", () => {
  const tree = directoryOf({
    [`${LISTS}/x_InRelease`]: release("Thu, 01 Jan 2026 00:00:01 UTC"),
  });
  vi.stubEnv("SOURCE_DATE_EPOCH", "1234567890");
  expect(epochOf(tree)).toBe(1_234_567_890);
  for (const wrong of ["", "yesterday", "-1", "1e9"]) {
    vi.stubEnv("SOURCE_DATE_EPOCH", wrong);
    expect(epochOf(tree)).toBe(1_767_225_601);
  }
});

test("lists that lie outside of the tree are not asked", () => {
  vi.stubEnv("SOURCE_DATE_EPOCH", undefined);
  const outside = directoryOf({ x_InRelease: release("Thu, 01 Jan 2026 00:00:01 UTC") });
  const tree = directoryOf({});
  mkdirSync(join(tree, "var/lib/apt"), { recursive: true });
  symlinkSync(outside, join(tree, LISTS));
  const all = [LISTS, "var/lib/apt", "var/lib", "var", "."].map((path) => join(tree, path));
  execFileSync("touch", ["--no-dereference", "--date=@1000", ...all]);
  expect(epochOf(tree)).toBe(1000);
});
