import { renameSync } from "node:fs";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { DISK_SLOW_MS, TREE_GLANCED_TOGETHER } from "../../src/limits.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import { Disk } from "../../src/tree/disk.ts";
import type { Tree } from "../../src/tree/tree.ts";
import { VirtualClock } from "../sim/clock.ts";

const cache = BlockCache.create(1 << 20);
let cleanup: AsyncDisposableStack;
let path: string;
let clock: VirtualClock;

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  // A file system whose directories tell how large they are.
  path = await mkdtemp("/dev/shm/sidus-");
  cleanup.defer(() => rm(path, { recursive: true }));
  clock = new VirtualClock();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await cleanup.disposeAsync();
});

async function open(directory = path): Promise<Tree> {
  return cleanup.use(await openDirectory(directory, { clock, cache }));
}

describe("a disk that is asked at once", () => {
  test("a link that takes another's place while it is read is not taken for it", async () => {
    await symlink("before", join(path, "link"));
    await symlink("after", join(path, "new"));
    const tree = await open();
    const link = await tree.lookup(tree.root, "link");
    if (typeof link === "string") throw new Error(link);
    const { readlinkNow } = Disk.prototype;
    const asked = vi.spyOn(Disk.prototype, "readlinkNow").mockImplementationOnce(function (
      this: Disk,
      place,
    ) {
      renameSync(join(path, "new"), join(path, "link"));
      return readlinkNow.call(this, place);
    });
    const answer = Promise.resolve(tree.readlink(link.id));
    let isThere = false;
    void answer.finally(() => {
      isThere = true;
    });
    // It is searched for: the rests of that are virtual.
    while (!isThere) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(10);
    }
    expect(asked).toHaveBeenCalledOnce();
    expect(await answer).toBe("stale");
  });

  test("a page's names are asked for no longer than a thread may wait, then at length", async () => {
    const batches = 5;
    const names = Array.from({ length: batches * TREE_GLANCED_TOGETHER }, (_, at) => `file-${at}`);
    for (const name of names) await writeFile(join(path, name), "");
    const tree = await open();
    const { glance } = Disk.prototype;
    const asked = vi.spyOn(Disk.prototype, "glance").mockImplementation(function (
      this: Disk,
      ...question
    ) {
      // Each of them quick enough.
      clock.advance(0.4 * DISK_SLOW_MS);
      return glance.apply(this, question);
    });
    const page = tree.readdir(tree.root, 0n, names.length + 2);
    expect(page).toBeInstanceOf(Promise);
    expect(asked).toHaveBeenCalledTimes(3);
    expect(await page).toHaveProperty("end", true);
  });

  test("what tells no sizes of directories is listed at length", async () => {
    await writeFile(join(path, "file"), "");
    const [small, unknown] = [await open(), await open("/proc/sys/net")];
    expect(small.readdir(small.root, 0n, 100)).not.toBeInstanceOf(Promise);
    const page = unknown.readdir(unknown.root, 0n, 100);
    expect(page).toBeInstanceOf(Promise);
    expect(await page).toHaveProperty("entries");
  });
});
