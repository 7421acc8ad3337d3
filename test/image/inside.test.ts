import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { insideTree } from "../../src/image/inside.ts";
import { directoryOf } from "../sidus.ts";

const tree = directoryOf({ "usr/lib/x": "", "run/y": "", "etc/a": "" });
mkdirSync(join(tree, "var"));
symlinkSync("/run", join(tree, "var/run"));
symlinkSync("usr/lib", join(tree, "lib"));
symlinkSync("../../../../..", join(tree, "var/up"));
symlinkSync("loop", join(tree, "loop"));
symlinkSync("/usr/lib/x", join(tree, "etc/link"));

test.each([
  ["/var/run/y", "/run/y"],
  ["/lib/x", "/usr/lib/x"],
  ["//usr/./lib/../lib/x", "/usr/lib/x"],
  ["/../../etc/a", "/etc/a"],
  ["/var/up/etc/a", "/etc/a"],
  ["/not/yet/there", "/not/yet/there"],
  // The last part is what is to be replaced, not what it leads to.
  ["/etc/link", "/etc/link"],
  ["/var/run", "/var/run"],
  ["/var/run/.", "/run"],
  ["/", "/"],
])("%s of a tree is %s in it, wherever links lead", (path, expected) => {
  expect(insideTree(tree, path)).toBe(join(tree, expected));
});

test("links that lead in circles are refused", () => {
  expect(() => insideTree(tree, "/loop/x")).toThrow(/circles/);
});
