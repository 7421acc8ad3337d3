import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openErofs } from "../../src/tree/erofs.ts";
import type { FileId } from "../../src/tree/tree.ts";
import { UserError } from "../../src/user-error.ts";
import { lackingOf, title } from "../needs.ts";
import { temporaryDirectory } from "../nfs/served.ts";
import { HandmadeImage, Mode, seal } from "./erofs/handmade.ts";
import { find, good } from "./erofs/reading.ts";
import { WatchedCache } from "./erofs/watched-cache.ts";

/** Expected values are what setfattr was told; mkfs.erofs shares what many files have. */

const lacking = lackingOf("mkfs.erofs", "setfattr", "root");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const base = await temporaryDirectory(cleanup);
const source = `${base}/source`;

const capability = "0100000200200000000000000000000000000000";
/** posix_acl_xattr, version 2: user::rw-, user:1000:r--, group::r--, mask::r--, other::--- */
const acl = `02000000${"01000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff"}`;

beforeAll(() => {
  if (lacking !== undefined) return;
  mkdirSync(`${source}/directory`, { recursive: true });
  for (const name of ["none", "one", "two", "three", "long", "named"]) {
    writeFileSync(`${source}/${name}`, name);
  }
  symlinkSync("one", `${source}/link`);
  const set = (name: string, value: string, ...files: readonly string[]) =>
    execFileSync("setfattr", [
      "-h",
      "-n",
      name,
      "-v",
      value,
      ...files.map((at) => `${source}/${at}`),
    ]);
  set("user.shared", "by all", "one", "two", "three", "directory");
  set("trusted.also", "shared", "one", "two", "three", "link");
  set("user.alone", "0x000a3dff", "two");
  set("security.capability", `0x${capability}`, "three");
  set("system.posix_acl_access", `0x${acl}`, "one");
  set("system.posix_acl_default", `0x${acl}`, "directory");
  set("user.long", "l".repeat(4000), "long");
  set(`user.${"n".repeat(250)}`, "", "named");
});

function makeImage(...options: readonly string[]): string {
  const image = `${base}/${options.join("")}.erofs`;
  execFileSync("mkfs.erofs", ["--quiet", ...options, image, source], { stdio: "pipe" });
  return image;
}

type Told = Record<string, string>;

async function told(image: string, path: string): Promise<Told> {
  const cache = new WatchedCache();
  await using tree = await openErofs(image, { cache, identity: 1n });
  const { id } = await find(tree, path);
  const found = good(await tree.xattrs(id));
  expect(cache.held).toBe(0);
  return Object.fromEntries([...found].map(([name, value]) => [name, hex(value)]));
}

function hex(value: Uint8Array | string): string {
  return Buffer.from(value).toString("hex");
}

describe.skipIf(lacking)(title("extended attributes of an image", lacking), () => {
  test.each([
    ["all beside their files", ["-x100"]],
    ["some shared", ["-x2"]],
    ["all shared that two have", ["-x1"]],
    ["beside compact inodes", ["-x1", "-E", "force-inode-compact"]],
  ])("%s: as setfattr set them", async (_, options) => {
    const image = makeImage(...options);
    expect(await told(image, "none")).toEqual({});
    expect(await told(image, "one")).toEqual({
      "user.shared": hex("by all"),
      "trusted.also": hex("shared"),
      "system.posix_acl_access": acl,
    });
    expect(await told(image, "two")).toEqual({
      "user.shared": hex("by all"),
      "trusted.also": hex("shared"),
      "user.alone": "000a3dff",
    });
    expect(await told(image, "three")).toMatchObject({ "security.capability": capability });
    expect(await told(image, "link")).toEqual({ "trusted.also": hex("shared") });
    expect(await told(image, "directory")).toEqual({
      "user.shared": hex("by all"),
      "system.posix_acl_default": acl,
    });
    expect(await told(image, "long")).toEqual({ "user.long": hex("l".repeat(4000)) });
    expect(await told(image, "named")).toEqual({ [`user.${"n".repeat(250)}`]: "" });
  });

  test("of no inode are stale", async () => {
    await using tree = await openErofs(makeImage("-x2"), {
      cache: new WatchedCache(),
      identity: 1n,
    });
    expect(await tree.xattrs((1n << 40n) as FileId)).toBe("stale");
  });

  test("bytes changed anywhere: answers or errors, in bounds", async () => {
    const image = readFileSync(makeImage("-x1"));
    const damaged = `${base}/damaged.erofs`;
    const change = fc.record({
      at: fc.nat(),
      byte: fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const copy = Buffer.from(image);
        // 1024 + 40: where inodes and shared attributes are.
        for (const { at, byte } of changes) copy[1064 + (at % (copy.length - 1064))] = byte;
        seal(copy);
        writeFileSync(damaged, copy);
        await survives(damaged);
      }),
      { numRuns: 300 },
    );
  });
});

async function survives(image: string): Promise<void> {
  const cache = new WatchedCache();
  try {
    await using tree = await openErofs(image, { cache, identity: 1n });
    for (let id = 0n; id < 300n; id += 1n) {
      const found = await tree.xattrs(id as FileId);
      if (typeof found === "string") continue;
      for (const [name, value] of found) expect(name.length + value.length).toBeLessThan(70_000);
    }
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
  }
  expect(cache.held).toBe(0);
}

/** Of a file with number 10, whose extended attributes are these bytes. */
async function answered(follows: Uint8Array, xattrCount: number): Promise<Told | string> {
  const image = new HandmadeImage().root([["file", 10]]);
  image.compact(10, { mode: Mode.FILE, size: 0, xattrCount, follows });
  const cache = new WatchedCache();
  const path = image.seal().write(`${base}/handmade.erofs`);
  await using tree = await openErofs(path, { cache, identity: 1n });
  const { id } = await find(tree, "file");
  const found = await tree.xattrs(id);
  expect(cache.held).toBe(0);
  if (typeof found === "string") return found;
  return Object.fromEntries([...found].map(([name, value]) => [name, hex(value)]));
}

function area(shared: readonly number[], ...entries: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(12 + 4 * shared.length);
  header.writeUInt8(shared.length, 4);
  for (const [at, number] of shared.entries()) header.writeUInt32LE(number, 12 + 4 * at);
  return Buffer.concat([header, ...entries]);
}

/** name_len, name_index, value_size, name, value, up to a multiple of 4. */
function entry(index: number, name: string, value: string, size = value.length): Buffer {
  const bytes = Buffer.alloc(Math.ceil((4 + name.length + value.length) / 4) * 4);
  bytes.writeUInt8(name.length, 0);
  bytes.writeUInt8(index, 1);
  bytes.writeUInt16LE(size, 2);
  bytes.write(name + value, 4, "latin1");
  return bytes;
}

/** xattr_icount: 12 bytes count as one, then words. */
function countOf(bytes: Uint8Array): number {
  return 1 + (bytes.length - 12) / 4;
}

describe("extended attributes that no mkfs.erofs would write", () => {
  const told = (bytes: Uint8Array, count = countOf(bytes)) => answered(bytes, count);

  test("good ones, for comparison", async () => {
    const bytes = area([], entry(1, "a", "value"), entry(6, "b", ""));
    expect(await told(bytes)).toEqual({ "user.a": hex("value"), "security.b": "" });
  });

  test.each([
    ["a value beyond their end", area([], entry(1, "a", "value", 100))],
    ["a value beyond the image", area([], entry(1, "a", "value", 65_535))],
    ["a prefix that is none", area([], entry(9, "a", "value"))],
    ["a prefix of the image's own", area([], entry(0x80, "a", "value"))],
    ["a name with a zero", area([], entry(1, "a\0b", "value"))],
    ["a shared one beyond the image", area([0xffff_ffff])],
    ["a shared one that is not there", area([0])],
  ])("%s", async (_, bytes) => {
    expect(await told(bytes)).toBe("io");
  });

  test("more shared ones than there is room for their numbers", async () => {
    const bytes = area([]);
    bytes.writeUInt8(255, 4);
    expect(await told(bytes)).toBe("io");
  });

  test("as long as an inode can have, beyond the image", async () => {
    expect(await told(area([]), 65_535)).toBe("io");
  });

  test("all shared ones of one large value: more than any file has", async () => {
    const image = new HandmadeImage({ blocks: 40 }).root([["file", 10]]);
    const follows = area(Array.from({ length: 255 }, () => 4096));
    image.compact(10, { mode: Mode.FILE, size: 0, xattrCount: countOf(follows), follows });
    image.at(4).set(entry(1, "a", "", 65_535));
    const cache = new WatchedCache();
    const path = image.seal().write(`${base}/large.erofs`);
    await using tree = await openErofs(path, { cache, identity: 1n });
    expect(await tree.xattrs((await find(tree, "file")).id)).toBe("io");
    expect(cache.held).toBe(0);
  });
});
