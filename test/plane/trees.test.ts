import {
  readdirSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Trees } from "../../src/plane/trees.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import type { Tree } from "../../src/tree/tree.ts";
import { newStore, seal } from "../image/store/sealed.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { VirtualClock } from "../sim/clock.ts";

const lacking = lackingOf("mkfs.erofs");

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

test.skipIf(lacking)(
  title("a version that was removed is closed after a time, unless it is served", lacking),
  async () => {
    const store = newStore();
    const first = await seal(store, { file: "first" });
    const second = await seal(store, { file: "second" }, { minute: 1 });
    const clock = new VirtualClock();
    const options = { cache: BlockCache.create(16 << 20), parents: Parents.create() };
    await using trees = new Trees({ clock, warn() {}, ...options });
    const directory = store.directoryOf("room");
    const sources = [first, second].map(
      ({ digest }) => ({ kind: "image", directory, digest }) as const,
    );
    for (const source of sources) await trees.open(source);
    const isOpen = ({ digest }: { digest: string }) =>
      readdirSync("/proc/self/fd").some((descriptor) => linkOf(descriptor).includes(digest));
    store.remove("room", first.digest, 0);
    await trees.closeRemoved(sources);
    clock.advance(60_000);
    expect([isOpen(first), isOpen(second)]).toEqual([true, true]);
    await trees.closeRemoved(sources.slice(1));
    clock.advance(59_999);
    expect(isOpen(first)).toBe(true);
    clock.advance(1);
    await expect.poll(() => isOpen(first)).toBe(false);
    expect(isOpen(second)).toBe(true);
  },
);

function linkOf(descriptor: string): string {
  try {
    return readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    return "";
  }
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
