import { execFileSync } from "node:child_process";
import {
  linkSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openErofs } from "../../src/tree/erofs.ts";
import type { Attributes, FileId, Tree, TreeError } from "../../src/tree/tree.ts";
import { UserError } from "../../src/user-error.ts";
import { lackingOf, title } from "../needs.ts";
import { temporaryDirectory } from "../nfs/served.ts";
import { seal } from "./erofs/handmade.ts";
import { WatchedCache } from "./erofs/watched-cache.ts";

const lacking = lackingOf("mkfs.erofs");

/** Behind the superblock: what is before it is refused, as the checksum's own tests show. */
const FIRST = 1024 + 128;

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const base = await temporaryDirectory(cleanup);
const damaged = `${base}/damaged.erofs`;
/** By the options of mkfs.erofs. */
const images = new Map<string, Buffer>();

beforeAll(() => {
  if (lacking !== undefined) return;
  const source = `${base}/source`;
  mkdirSync(`${source}/directory/inner`, { recursive: true });
  writeFileSync(`${source}/plain`, Buffer.alloc(8192, "p"));
  writeFileSync(`${source}/directory/inline`, Buffer.alloc(5000, "i"));
  writeFileSync(`${source}/directory/inner/small`, "s");
  symlinkSync("directory/inline", `${source}/link`);
  linkSync(`${source}/plain`, `${source}/linked`);
  for (let at = 0; at < 300; at += 1) symlinkSync(`${at}`, `${source}/directory/${at}`);
  for (const options of ["", "--chunksize=4096", "-Eforce-inode-compact"]) {
    const image = `${base}/image.erofs`;
    const given = options === "" ? [] : [options];
    execFileSync("mkfs.erofs", ["--quiet", "-T1700000000", ...given, image, source], {
      stdio: "pipe",
    });
    images.set(options, readFileSync(image));
  }
});

/** What a client could ask, over as much as there is, but not forever. */
async function askEverything(tree: Tree, cache: WatchedCache): Promise<number> {
  const wanted: FileId[] = [tree.root];
  const seen = new Set<FileId>();
  let answers = 0;
  const check = <T extends object>(answer: T | TreeError): T | undefined => {
    answers += 1;
    return typeof answer === "string" ? undefined : answer;
  };
  for (let id = wanted.pop(); id !== undefined && seen.size < 50; id = wanted.pop()) {
    seen.add(id);
    const attributes = check(await tree.attributes(id));
    const names = [".", "..", "directory", "inline", "299", "none"];
    for (const name of names) check(await tree.lookup(id, name));
    check(await tree.readlink(id));
    for (const found of await list(tree, id, check)) if (!seen.has(found.id)) wanted.push(found.id);
    for (const offset of [0, 4090, Math.max(0, (attributes?.size ?? 0) - 10)]) {
      const slice = check(await tree.read(id, offset, 9000));
      if (slice === undefined) continue;
      const bytes = slice.parts.reduce((sum, part) => sum + part.length, 0);
      expect(slice.length).toBe(bytes);
      expect(bytes).toBeLessThanOrEqual(9000);
      slice.release();
    }
  }
  expect(cache.held).toBe(0);
  return answers;
}

async function list(
  tree: Tree,
  id: FileId,
  check: <T extends object>(answer: T | TreeError) => T | undefined,
): Promise<readonly Attributes[]> {
  const found: Attributes[] = [];
  let cookie = 0n;
  for (let pages = 0; pages < 20; pages += 1) {
    const page = check(await tree.readdir(id, cookie, 100));
    if (page === undefined) break;
    expect(page.entries.length).toBeLessThanOrEqual(100);
    found.push(...page.entries.map(({ attributes }) => attributes));
    cookie = page.entries.at(-1)?.cookie ?? cookie;
    if (page.end) break;
    expect(page.entries.length).toBeGreaterThan(0);
  }
  return found;
}

async function survives(): Promise<number> {
  const cache = new WatchedCache();
  try {
    await using tree = await openErofs(damaged, { cache, identity: 1n });
    return await askEverything(tree, cache);
  } catch (error) {
    if (error instanceof UserError) return 0;
    throw error;
  }
}

describe.skipIf(lacking)(title("damaged images", lacking), () => {
  test("undamaged, everything is answered", async () => {
    for (const image of images.values()) {
      writeFileSync(damaged, image);
      expect(await survives()).toBeGreaterThan(500);
    }
  });

  test("bytes changed anywhere behind the superblock: answers or errors, in bounds", async () => {
    const change = fc.record({
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
    });
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...images.keys()), changes, async (options, places) => {
        const image = Buffer.from(images.get(options) ?? []);
        for (const { at, byte } of places) image[FIRST + (at % (image.length - FIRST))] = byte;
        seal(image);
        writeFileSync(damaged, image);
        await survives();
      }),
      { numRuns: 400 },
    );
  });

  test("each bit of the root's inode and of its entries flipped", async () => {
    const image = images.get("") ?? Buffer.alloc(0);
    const start = image.readUInt16LE(1038) * 32;
    for (let bit = start * 8; bit < (start + 64 + 8 * 12) * 8; bit += 1) {
      const copy = Buffer.from(image);
      copy.writeUInt8(copy.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      seal(copy);
      writeFileSync(damaged, copy);
      await survives();
    }
  });

  test("every truncation is refused", async () => {
    const image = images.get("") ?? Buffer.alloc(0);
    writeFileSync(damaged, image);
    for (let length = image.length - 1; length >= 0; length -= length > 2000 ? 101 : 1) {
      truncateSync(damaged, length);
      const opening = openErofs(damaged, { cache: new WatchedCache(), identity: 1n });
      await expect(opening).rejects.toThrow(UserError);
    }
  });
});
