import { renameSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Trees } from "../../src/plane/trees.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import type { Tree } from "../../src/tree/tree.ts";
import { directoryOf } from "../sidus.ts";
import { VirtualClock } from "../sim/clock.ts";

function opened() {
  const base = directoryOf({ "one/name": "one", "two/name": "two" });
  const current = join(base, "current");
  symlinkSync("one", current);
  const options = { cache: BlockCache.create(16 << 20), parents: Parents.create() };
  const trees = new Trees({ clock: new VirtualClock(), warn() {}, ...options });
  const open = () => trees.open({ kind: "directory", path: current });
  return { base, current, trees, open };
}

async function sizeOf(tree: Tree, name: string): Promise<number | string> {
  const found = await tree.lookup(tree.root, name);
  return typeof found === "string" ? found : found.size;
}

test("a directory that stays is one tree, over all reloads", async () => {
  const { base, trees, open } = opened();
  await using _ = trees;
  const tree = await open();
  writeFileSync(join(base, "one/more"), "");
  expect(await open()).toBe(tree);
});

test("another directory at the same path is another tree", async () => {
  const { current, trees, open } = opened();
  await using _ = trees;
  const before = await open();
  unlinkSync(current);
  symlinkSync("two", current);
  const after = await open();
  expect(after.identity).not.toBe(before.identity);
  expect(await sizeOf(after, "name")).toBe(3);
});

test("the same directory elsewhere is found there, and its handles stay good", async () => {
  const { base, current, trees, open } = opened();
  await using _ = trees;
  const before = await open();
  renameSync(join(base, "one"), join(base, "moved"));
  unlinkSync(current);
  symlinkSync("moved", current);
  const after = await open();
  expect(after.identity).toBe(before.identity);
  expect(await sizeOf(after, "name")).toBe(3);
});
