import { describe, expect, test } from "vitest";
import { FileTable } from "../../../src/storm/record/file-table.ts";

/** Handles → files of a trace; what real boots and bytes by hand make of it is in nfs.test.ts. */

const root = Uint8Array.of(0, 255);
const handle = (byte: number): Uint8Array => Uint8Array.of(byte);
const folder = { type: "directory", size: 4096 } as const;
const file = { type: "file", size: 37 } as const;

function table(): FileTable {
  const made = new FileTable();
  made.root(root);
  made.found(root, "etc", handle(1), folder);
  made.found(handle(1), "fstab", handle(2), file);
  return made;
}

test("only what calls name becomes a file, in the order in which they do", () => {
  const files = table();
  expect(files.files).toEqual([]);
  expect(files.fileOf(handle(2))).toBe(0);
  expect(files.fileOf(root)).toBe(1);
  expect(files.rootFile).toBe(1);
  expect(files.entryOf(handle(1), "fstab")).toBe(0);
  expect(files.files).toEqual([
    { path: "etc/fstab", ...file },
    { path: "", type: "directory", size: 0 },
  ]);
});

test("attributes that come later are those that count", () => {
  const files = table();
  files.fileOf(handle(2));
  files.describe(handle(2), { type: "file", size: 38 });
  files.describe(handle(99), folder);
  files.found(handle(1), "fstab", undefined, undefined);
  expect(files.files).toEqual([{ path: "etc/fstab", type: "file", size: 38 }]);
});

test("one file by two names is each of them where it is looked up", () => {
  const files = table();
  files.found(root, "link", handle(2), file);
  expect(files.entryOf(handle(1), "fstab")).toBe(0);
  expect(files.entryOf(root, "link")).toBe(1);
  expect(files.fileOf(handle(2))).toBe(1);
});

test("a root that is mounted again is the same one, whatever its handle", () => {
  const files = table();
  files.root(handle(9));
  expect(files.fileOf(handle(9))).toBe(files.fileOf(root));
  expect(files.entryOf(handle(9), "etc")).toBe(files.fileOf(handle(1)));
});

describe("names", () => {
  test("the directory itself and the one above it are files by those names, too", () => {
    const files = table();
    files.found(handle(1), "deep", handle(3), folder);
    expect(files.entryOf(handle(3), "..")).toBe(files.fileOf(handle(1)));
    expect(files.entryOf(handle(3), ".")).toBe(files.fileOf(handle(3)));
    expect(files.entryOf(handle(1), "..")).toBe(files.rootFile);
    expect(files.entryOf(root, "..")).toBe(files.rootFile);
  });

  test.each(["", "a/b", "nul\0"])("%j is none", (name) => {
    const files = table();
    files.found(root, name, handle(7), file);
    expect(files.fileOf(handle(7))).toBeUndefined();
    expect(files.entryOf(root, name)).toBeUndefined();
    expect(files.files).toEqual([]);
  });

  test("a path gets no longer than Linux takes", () => {
    const files = table();
    let above: Uint8Array = root;
    let depth = 0;
    for (; depth < 100; depth += 1) {
      const below = handle(100 + depth);
      files.found(above, "x".repeat(255), below, folder);
      if (files.fileOf(below) === undefined) break;
      above = below;
    }
    expect(depth).toBe(4096 / 256);
  });
});
