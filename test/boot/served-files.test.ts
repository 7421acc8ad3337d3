import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import { contentOf, openInTree } from "../../src/boot/served/files.ts";
import { systemClock } from "../../src/net/clock.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { directoryOf } from "../sidus.ts";

/** What loaders ask for is text, a directory's names are bytes. */

const options = { clock: systemClock, cache: BlockCache.create(1 << 20) };

test("a character that no byte is stands for none: no name leads out of the tree", async () => {
  const outside = directoryOf({ secret: "not of the tree" });
  const root = directoryOf({ "vmlinuz-1": "kernel" });
  await using tree = await openDirectory(root, options);
  // U+012E and U+012F end in the bytes of `.` and `/`.
  const climbing = [
    "boot",
    "\u012e\u012e",
    "..\u012f..",
    `..\u012f${basename(outside)}\u012fsecret`,
  ];
  for (const path of climbing) expect(await openInTree(tree, path)).toBe("missing");
  const file = await openInTree(tree, "vmlinuz-1");
  expect(file).toMatchObject({ size: 6 });
});

test("names beyond ASCII are found as they are written on disk, in UTF-8", async () => {
  const root = directoryOf({});
  mkdirSync(join(root, "Räume"));
  writeFileSync(join(root, "Räume/kernel-€"), "kernel");
  await using tree = await openDirectory(root, options);
  const file = await openInTree(tree, "Räume/kernel-€");
  if (file === "missing") throw new Error("not found");
  expect(Buffer.from(await contentOf(file, "kernel")).toString()).toBe("kernel");
});
