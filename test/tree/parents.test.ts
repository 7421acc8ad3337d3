import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { Parents } from "../../src/tree/parents.ts";
import type { FileId, Tree } from "../../src/tree/tree.ts";
import { temporaryDirectory } from "../nfs/served.ts";
import { VirtualClock } from "../sim/clock.ts";

const cache = BlockCache.create(16 << 20);

describe("where files were last seen", () => {
  test("is known to all that share it, tree by tree", () => {
    const parents = Parents.create();
    const other = Parents.attach(parents.shared);
    for (let id = 1n; id <= 10_000n; id += 1n) parents.set(7n, id as FileId, (id + 1n) as FileId);
    parents.set(8n, 5n as FileId, 99n as FileId);
    const right = Array.from({ length: 10_000 }, (_, at) => BigInt(at + 1)).filter(
      (id) => other.get(7n, id as FileId) === id + 1n,
    );
    // One in a full bucket may have gone.
    expect(right.length).toBeGreaterThan(9900);
    expect(other.get(8n, 5n as FileId)).toBe(99n);
    expect(other.get(7n, 20_000n as FileId)).toBeUndefined();
  });
});

describe("two threads that serve one directory", () => {
  let cleanup: AsyncDisposableStack;
  let path: string;
  let one: Tree;
  let two: Tree;

  beforeEach(async () => {
    cleanup = new AsyncDisposableStack();
    path = await temporaryDirectory(cleanup);
    await mkdir(join(path, "usr/lib/modules"), { recursive: true });
    for (const name of ["a", "b", "c"]) await writeFile(join(path, "usr/lib/modules", name), name);
    // Nothing but the search of a tree needs its time to go on.
    const options = { clock: new VirtualClock(), cache, parents: Parents.create() };
    one = cleanup.use(await openDirectory(path, options));
    two = cleanup.use(await openDirectory(path, options));
  });
  afterEach(() => cleanup.disposeAsync());

  async function find(tree: Tree, ...names: string[]): Promise<FileId> {
    let id = tree.root;
    for (const name of names) {
      const found = await tree.lookup(id, name);
      if (typeof found === "string") throw new Error(`${name}: ${found}`);
      id = found.id;
    }
    return id;
  }

  test("a handle that one gave out the other finds, without searching the tree for it", async () => {
    const ids = [];
    for (const name of ["a", "b", "c"]) ids.push(await find(one, "usr", "lib", "modules", name));
    // A search, after which the next would rest.
    expect(await two.attributes(1n as FileId)).toBe("stale");
    for (const id of ids) expect(await two.attributes(id)).toMatchObject({ id, size: 1 });
  });

  test("what was moved meanwhile is found where it was seen since", async () => {
    const id = await find(one, "usr", "lib", "modules", "a");
    await rename(join(path, "usr/lib/modules/a"), join(path, "usr/a"));
    expect(await find(one, "usr", "a")).toBe(id);
    expect(await two.attributes(1n as FileId)).toBe("stale");
    expect(await two.attributes(id)).toMatchObject({ id });
  });
});
