import { existsSync, mkdirSync, readFileSync, readlinkSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { describe, expect, test } from "vitest";
import { placeFiles } from "../../../src/image/build/files.ts";
import type { FileRecipe } from "../../../src/image/recipe/recipe.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";

const own = `${process.getuid?.()}:${process.getgid?.()}`;

const file = (path: string, given: Partial<FileRecipe>): FileRecipe => ({
  path,
  content: { kind: "text", text: "text\n" },
  mode: undefined,
  owner: own,
  ...given,
});

const aTree = () =>
  directoryOf({
    "etc/passwd": "root:x:0:0::/:\ntony:x:1234:5::/:\n",
    "etc/group": "staff:x:50:\n",
  });

test("a text is a file with the mode that is asked for, whatever the umask", () => {
  const tree = aTree();
  const umask = process.umask(0o077);
  try {
    placeFiles([file("/etc/motd", {}), file("/opt/a/run", { mode: 0o755 })], tree);
  } finally {
    process.umask(umask);
  }
  expect(readFileSync(join(tree, "etc/motd"), "utf8")).toBe("text\n");
  expect(statSync(join(tree, "etc/motd")).mode & 0o7777).toBe(0o644);
  expect(statSync(join(tree, "opt/a/run")).mode & 0o7777).toBe(0o755);
  expect(statSync(join(tree, "opt/a")).mode & 0o7777).toBe(0o755);
});

test("no link of the tree leads out of it", () => {
  const outside = directoryOf({ kept: "kept" });
  const tree = aTree();
  symlinkSync(outside, join(tree, "out"));
  symlinkSync(join(outside, "kept"), join(tree, "etc/link"));
  placeFiles([file("/out/x", {}), file("/etc/link", {})], tree);
  expect(existsSync(join(outside, "x"))).toBe(false);
  expect(readFileSync(join(tree, outside, "x"), "utf8")).toBe("text\n");
  expect(readFileSync(join(outside, "kept"), "utf8")).toBe("kept");
  expect(readFileSync(join(tree, "etc/link"), "utf8")).toBe("text\n");
});

test("a directory is copied with what is in it, into one that is there", () => {
  const from = directoryOf({ "a/b": "b", run: "#!/bin/sh\n" });
  symlinkSync("a/b", join(from, "link"));
  const tree = aTree();
  mkdirSync(join(tree, "srv/x/a"), { recursive: true });
  placeFiles([file("/srv/x", { content: { kind: "from", source: from } })], tree);
  expect(readFileSync(join(tree, "srv/x/a/b"), "utf8")).toBe("b");
  expect(readlinkSync(join(tree, "srv/x/link"))).toBe("a/b");
});

test("what cannot be copied, or given to somebody, is said by its path", () => {
  const tree = aTree();
  const missing = file("/etc/x", { content: { kind: "from", source: "/no/such" } });
  expect(() => placeFiles([missing], tree)).toThrow(/^files: \/etc\/x: cannot copy \/no\/such: /);
  const unknown = file("/etc/x", { owner: "nobody:staff" });
  expect(() => placeFiles([file("/etc", {})], tree)).toThrow(/^files: \/etc: cannot write it: /);
  expect(() => placeFiles([unknown], tree)).toThrow(
    'files: /etc/x: the tree\'s /etc/passwd has no "nobody" (owner: nobody:staff)',
  );
});

const lacking = lackingOf("root");
describe.skipIf(lacking !== undefined)(title("owners", lacking), () => {
  test("are those that the tree knows by the names", () => {
    const from = directoryOf({ "a/b": "b" });
    const tree = aTree();
    const given = { owner: "tony:staff", content: { kind: "from", source: from } } as const;
    placeFiles([file("/home/tony", given), file("/etc/x", { owner: "tony:7" })], tree);
    const ids = (path: string) => {
      const { uid, gid } = statSync(join(tree, path));
      return [uid, gid];
    };
    for (const path of ["home/tony", "home/tony/a", "home/tony/a/b"]) {
      expect(ids(path), path).toEqual([1234, 50]);
    }
    expect(ids("home")).toEqual([0, 0]);
    expect(ids("etc/x")).toEqual([1234, 7]);
    placeFiles([file("/bin/x", { owner: "tony:7", mode: 0o4755 })], tree);
    expect(statSync(join(tree, "bin/x")).mode & 0o7777).toBe(0o4755);
  });
});
