import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { CACHE_BYTES_MIN, CACHE_WINDOW_BYTES } from "../../src/limits.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import type { FileSlice } from "../../src/tree/tree.ts";
import { file, isRight, type MadeFile } from "./cache/made-file.ts";

async function good(cache: BlockCache, from: MadeFile, offset: number, length: number) {
  const slice = await cache.read(from, offset, length);
  if (typeof slice === "string") throw new Error(slice);
  expect(slice.length).toBe(Math.min(length, from.size - offset));
  expect(slice.parts.reduce((bytes, part) => bytes + part.length, 0)).toBe(slice.length);
  expect(slice.end).toBe(offset + length >= from.size);
  expect(isRight(from, offset, slice.parts)).toBe(true);
  return slice;
}

async function read(cache: BlockCache, from: MadeFile, offset: number, length: number) {
  (await good(cache, from, offset, length)).release();
}

describe("the block cache", () => {
  test("what was read once is answered at once, and without the disk", async () => {
    const cache = BlockCache.create(16 << 20);
    const from = file(1, 300_000);
    await read(cache, from, 100, 200_000);
    expect(from.fills).toBe(2);
    const slice = cache.read(from, 5, 200_000);
    expect(slice).not.toBeInstanceOf(Promise);
    expect(isRight(from, 5, (slice as FileSlice).parts)).toBe(true);
    await read(cache, from, 0, CACHE_WINDOW_BYTES);
    expect(from.fills).toBe(2);
    expect(cache.stats()).toMatchObject({ misses: 2, hits: 2, uncached: 0 });
  });

  test("every size and offset, at the windows' edges", async () => {
    const cache = BlockCache.create(16 << 20);
    const sizes = [1, 4095, 4096, 4097, 65_536, 131_071, 131_072, 131_073, 262_144, 1_000_001];
    for (const [id, size] of sizes.entries()) {
      const from = file(id, size);
      for (const offset of [0, 1, size - 1, Math.floor(size / 2), 131_071, 131_072]) {
        if (offset >= size) continue;
        for (const length of [1, 131_072, size, 1 << 20]) await read(cache, from, offset, length);
      }
      expect(await cache.read(from, size, 10)).toMatchObject({ length: 0, end: true, parts: [] });
      expect(await cache.read(from, 0, 0)).toMatchObject({ length: 0, end: false });
    }
  });

  test("another version of a file is another file", async () => {
    const cache = BlockCache.create(16 << 20);
    const before = file(1, 10_000, 1n);
    const after = file(1, 10_000, 1n << 40n);
    await read(cache, before, 0, 10_000);
    await read(cache, after, 0, 10_000);
    expect(after.fills).toBe(1);
  });

  test("a window that many ask for at once is read once", async () => {
    const cache = BlockCache.create(16 << 20);
    const from = file(1, 100_000);
    await Promise.all(Array.from({ length: 50 }, (_, at) => read(cache, from, at * 1000, 1000)));
    expect(from.fills).toBe(1);
  });

  test("it never takes more than it was given; small files share what large ones fill", async () => {
    const bytes = 4 << 20;
    const cache = BlockCache.create(bytes);
    expect(cache.shared.byteLength).toBe(bytes);
    const small = Array.from({ length: 400 }, (_, id) => file(id, 4096));
    for (const from of small) await read(cache, from, 0, 4096);
    expect(cache.stats().bytesUsed).toBe(Math.ceil(400 / 32) * CACHE_WINDOW_BYTES);
    for (let id = 1000; id < 1100; id += 1) await read(cache, file(id, 131_072), 0, 131_072);
    const { bytesUsed, bytesPinned } = cache.stats();
    expect(bytesUsed).toBe(cache.stats().bytes);
    expect(bytesUsed).toBeLessThanOrEqual(bytes);
    expect(bytesPinned).toBe(0);
    for (const from of small) await read(cache, from, 0, 4096);
  });

  test("what is used stays, what is not goes", async () => {
    const cache = BlockCache.create(4 << 20);
    const used = file(1, 131_072);
    await read(cache, used, 0, 10);
    for (let id = 10; id < 200; id += 1) {
      await read(cache, file(id, 131_072), 0, 10);
      await read(cache, used, 0, 10);
    }
    expect(used.fills).toBe(1);
  });

  test("bytes stay as they are until they are released; without room others are read past the cache", async () => {
    const cache = BlockCache.create(CACHE_BYTES_MIN);
    const held = await Promise.all(
      Array.from({ length: 40 }, (_, id) => good(cache, file(id, 131_072), 0, 131_072)),
    );
    expect(cache.stats().bytesPinned).toBe(cache.stats().bytes);
    expect(cache.stats().uncached).toBeGreaterThan(0);
    for (const [id, slice] of held.entries()) {
      expect(isRight({ id }, 0, slice.parts)).toBe(true);
      slice.release();
      slice.release();
    }
    expect(cache.stats().bytesPinned).toBe(0);
    const next = file(99, 131_072);
    await read(cache, next, 0, 1);
    await read(cache, next, 0, 1);
    expect(next.fills).toBe(1);
  });

  test("what could not be read is not kept, and no room is lost to it", async () => {
    const cache = BlockCache.create(CACHE_BYTES_MIN);
    const from = file(1, 131_072);
    for (let round = 0; round < 100; round += 1) {
      from.failing = "io";
      expect(await cache.read(from, 0, 10)).toBe("io");
      from.failing = "throws";
      await expect(cache.read(from, 0, 10)).rejects.toThrow("the disk is gone");
      from.failing = "short";
      const slice = await cache.read(from, 0, 131_072);
      expect(slice).toMatchObject({ length: 131_071, end: true });
    }
    expect(cache.stats()).toMatchObject({ bytesPinned: 0 });
    from.failing = undefined;
    await read(cache, from, 0, 131_072);
  });

  test("threads that fill, evict and hold at once never see a wrong byte", async () => {
    const cache = BlockCache.create(3 << 20);
    const threads = [1, 2, 3].map((seed) => {
      const workerData = { shared: cache.shared, seed, reads: 600 };
      return new Worker(new URL("./cache/hammer.ts", import.meta.url), { workerData });
    });
    const wrong = await Promise.all(
      threads.map(async (thread) => (await once(thread, "message"))[0]),
    );
    expect(wrong).toEqual([0, 0, 0]);
    const { hits, misses, bytesPinned } = cache.stats();
    expect(bytesPinned).toBe(0);
    expect(hits).toBeGreaterThan(0);
    expect(misses).toBeGreaterThan(100);
  });
});
