import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  copyFileSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CACHE_BYTES_MIN } from "../../src/limits.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { type ErofsOptions, openErofs } from "../../src/tree/erofs.ts";
import type { FileId, Tree } from "../../src/tree/tree.ts";
import { UserError } from "../../src/user-error.ts";
import { lackingOf, title } from "../needs.ts";
import { temporaryDirectory } from "../nfs/served.ts";
import { bytesAt, differences, entriesOf, find, good, settled } from "./erofs/reading.ts";
import { WatchedCache } from "./erofs/watched-cache.ts";
import { bytesOf } from "./random-tree.ts";

/** Images are made by mkfs.erofs from directories on disk, which are then what they are compared to. */

const lacking = lackingOf("mkfs.erofs", "fsck.erofs", "setfattr", "root");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const base = await temporaryDirectory(cleanup);
const source = `${base}/source`;
let images = 0;

function makeImage(directory: string, ...options: readonly string[]): string {
  images += 1;
  const image = `${base}/${images}.erofs`;
  execFileSync("mkfs.erofs", ["--quiet", ...options, image, directory], { stdio: "pipe" });
  return image;
}

async function opened(
  image: string,
  options: Partial<ErofsOptions> = {},
): Promise<{ readonly tree: Tree; readonly cache: WatchedCache }> {
  const cache = new WatchedCache();
  return { tree: cleanup.use(await openErofs(image, { cache, ...options })), cache };
}

function pattern(bytes: number): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + (at >> 8)) & 255);
}

/** What a file system can hold; mkfs.erofs 1.5 cuts names of 255 bytes and fails. */
async function writeEverything(path: string): Promise<void> {
  mkdirSync(`${path}/files`, { recursive: true });
  for (const size of [0, 1, 100, 4000, 4064, 4095, 4096, 4097, 8192, 12_000, 300_000]) {
    writeFileSync(`${path}/files/${size}`, pattern(size));
  }
  for (const name of ["!before dot", "-", ".c", "..d", "~", "Zz"]) {
    writeFileSync(`${path}/files/${name}`, name);
  }
  writeFileSync(bytesOf(`${path}/files/${"n".repeat(254)}`), "long");
  writeFileSync(bytesOf(`${path}/files/caf\xe9\xff\x80\x01`), "no UTF-8");
  mkdirSync(`${path}/empty`);
  mkdirSync(`${path}/deep/er/and/deeper`, { recursive: true });
  writeFileSync(`${path}/deep/er/and/deeper/file`, "deep");
  for (const size of [1, 30, 300, 3000, 4095]) {
    symlinkSync("t".repeat(size), `${path}/deep/link${size}`);
  }
  symlinkSync(bytesOf("caf\xe9"), `${path}/deep/bytes`);
  linkSync(`${path}/files/100`, `${path}/deep/er/linked`);
  linkSync(`${path}/files/100`, `${path}/linked`);
  writeFileSync(`${path}/setuid`, "");
  chmodSync(`${path}/setuid`, 0o6751);
  chmodSync(`${path}/empty`, 0o1777);
  const nodes = ["null c 1 3", "sda b 8 0", "big b 300 70000", "largest c 4095 1048575", "fifo p"];
  for (const node of nodes) {
    const [name, ...rest] = node.split(" ");
    execFileSync("mknod", [`${path}/${name}`, ...rest]);
  }
  const server = createServer().listen(`${path}/socket.listening`);
  await once(server, "listening");
  renameSync(`${path}/socket.listening`, `${path}/socket`);
  server.close();
  execFileSync("chown", ["1000:100", `${path}/files/100`]);
  execFileSync("chown", ["-h", "65535:65535", `${path}/deep/link30`]);
  utimesSync(`${path}/files/1`, 1, 0.5);
  lutimesSync(`${path}/deep/link1`, 1_000_000_000.25, 1_000_000_000.25);
}

/** Three that many share, one that is alone, and one that is long. */
function setAttributes(path: string): void {
  const set = (name: string, value: string, ...files: readonly string[]) =>
    execFileSync("setfattr", ["-n", name, "-v", value, ...files.map((file) => `${path}/${file}`)]);
  const some = ["files/0", "files/1", "files/4064", "files/12000", "empty", "deep"];
  for (const name of ["user.one", "user.two", "user.three"]) set(name, "shared", ...some);
  set("user.alone", "odd", "files/100");
  set("user.long", "x".repeat(3000), "files/4000");
  set("trusted.link", "of a link", "linked");
}

beforeAll(async () => {
  if (lacking === undefined) await writeEverything(source);
});

const FIXED = 1_700_000_000;
const replaced = { modified: { seconds: FIXED, nanoseconds: 0 } };

describe.skipIf(lacking)(title("an image equals what mkfs.erofs made it from", lacking), () => {
  test("by default: extended inodes, tails beside them", async () => {
    const { tree, cache } = await opened(makeImage(source));
    expect(await differences(tree, source)).toEqual([]);
    expect(cache.held).toBe(0);
  });

  test("with owners beyond 16 bits", async () => {
    const path = `${base}/owners`;
    mkdirSync(path);
    writeFileSync(`${path}/file`, "");
    execFileSync("chown", ["4000000000:70000", path, `${path}/file`]);
    const { tree } = await opened(makeImage(path));
    expect(await differences(tree, path)).toEqual([]);
  });

  test.each([
    ["compact inodes", ["-E", "force-inode-compact", `-T${FIXED}`]],
    ["extended inodes", ["-E", "force-inode-extended", `-T${FIXED}`]],
  ])("%s with the time of the image", async (_, options) => {
    const { tree } = await opened(makeImage(source, ...options));
    expect(await differences(tree, source, replaced)).toEqual([]);
  });

  test("through the block cache, however small that is", async () => {
    const cache = BlockCache.create(CACHE_BYTES_MIN);
    await using tree = await openErofs(makeImage(source, "--chunksize=4096"), { cache });
    for (const _ of ["cold", "warm"]) expect(await differences(tree, source)).toEqual([]);
    expect(cache.stats()).toMatchObject({ bytesPinned: 0 });
  });

  test("all owned by root", async () => {
    const { tree } = await opened(makeImage(source, "--all-root"));
    expect(await differences(tree, source, { uid: 0, gid: 0 })).toEqual([]);
  });

  test.each([
    ["data that is nowhere inline", ["-E", "noinline_data"]],
    ["chunks of a block", ["--chunksize=4096"]],
    ["chunks of 64 KiB", ["--chunksize=65536"]],
    ["chunks with indexes of 8 bytes", ["--chunksize=8192", "-E", "force-chunk-indexes"]],
  ])("%s", async (_, options) => {
    const { tree, cache } = await opened(makeImage(source, ...options));
    expect(await differences(tree, source)).toEqual([]);
    expect(cache.held).toBe(0);
  });

  test("extended attributes of its own and shared ones are skipped", async () => {
    const path = `${base}/attributes`;
    execFileSync("cp", ["-a", source, path]);
    setAttributes(path);
    for (const options of [[], ["-x1"], ["--chunksize=4096"], ["-E", "noinline_data"]]) {
      const { tree } = await opened(makeImage(path, ...options));
      expect(await differences(tree, path)).toEqual([]);
    }
  });

  /** fsck.erofs 1.5 makes files of hard links, and drops setuid; below these directories there are none. */
  test.each([["files"], ["deep"]])("as fsck.erofs extracts it: %s", async (name) => {
    const image = makeImage(`${source}/${name}`);
    const path = `${base}/extracted-${name}`;
    execFileSync("fsck.erofs", [`--extract=${path}`, image], { stdio: "pipe" });
    const { tree } = await opened(image);
    expect(await differences(tree, path)).toEqual([]);
  });

  test("times before 1970", async () => {
    const path = `${base}/old`;
    mkdirSync(path);
    writeFileSync(`${path}/old`, "");
    utimesSync(`${path}/old`, -1_000_000.75, -1_000_000.75);
    const { tree } = await opened(makeImage(path));
    expect(await differences(tree, path)).toEqual([]);
  });

  test("a directory of 100,000 names, of two files with 50,000 links each", async () => {
    const path = `${base}/large`;
    mkdirSync(path);
    for (const file of ["a", "b"]) {
      writeFileSync(`${path}/${file}`, file);
      for (let at = 1; at < 50_000; at += 1) linkSync(`${path}/${file}`, `${path}/${file}${at}`);
    }
    const { tree, cache } = await opened(makeImage(path));
    const entries = await entriesOf(tree, tree.root, 1000);
    expect(new Set(entries.map(({ name }) => name)).size).toBe(100_002);
    const [a, b] = [await find(tree, "a"), await find(tree, "b")];
    expect([a.links, b.links]).toEqual([50_000, 50_000]);
    for (const name of ["a1", "a49999", "a30000", "b7", "b49999"]) {
      expect(await tree.lookup(tree.root, name)).toBe(name.startsWith("a") ? a : b);
    }
    expect(await tree.lookup(tree.root, "a50000")).toBe("not-found");
    const middle = entries[50_000];
    const next = good(await tree.readdir(tree.root, middle?.cookie ?? 0n, 1));
    expect(next.entries).toEqual([entries[50_001]]);
    expect(cache.held).toBe(0);
  });

  test("a file with holes", async () => {
    const path = `${base}/sparse`;
    mkdirSync(path);
    writeFileSync(`${path}/file`, "start");
    truncateSync(`${path}/file`, 20_000_000);
    writeFileSync(`${path}/file`, "end", { flag: "a" });
    for (const size of [4096, 65_536, 2 ** 20]) {
      const { tree, cache } = await opened(makeImage(path, `--chunksize=${size}`));
      expect(await differences(tree, path)).toEqual([]);
      expect(cache.held).toBe(0);
    }
  });
});

describe.skipIf(lacking)(title("a tree from an image", lacking), () => {
  let image: string;
  let tree: Tree;
  let cache: WatchedCache;
  beforeAll(async () => {
    image = makeImage(source);
    ({ tree, cache } = await opened(image));
  });

  test("answers at once what it was asked before, and the same objects", async () => {
    const files = await find(tree, "files");
    const entry = good(await tree.lookup(files.id, "300000"));
    expect(tree.attributes(entry.id)).toBe(entry);
    expect(tree.lookup(files.id, "300000")).toBe(entry);
    expect(await settled(() => tree.lookup(files.id, "none"))).toBe("not-found");
    const link = await find(tree, "deep/link3000");
    expect(await settled(() => tree.readlink(link.id))).toBe(tree.readlink(link.id));
    const page = good(await settled(() => tree.readdir(files.id, 0n, 100)));
    expect(page.entries.find(({ name }) => name === "300000")?.attributes).toBe(entry);
    await bytesAt(tree, entry.id, 1000, 5000);
    const slice = tree.read(entry.id, 1000, 5000);
    if (typeof slice === "string" || slice instanceof Promise) throw new Error("not cached");
    expect(Buffer.concat(slice.parts)).toEqual(Buffer.from(pattern(300_000).subarray(1000, 6000)));
    slice.release();
  });

  test("those who ask at the same time get the same object", async () => {
    const { tree: fresh } = await opened(image);
    const [one, other] = await Promise.all([find(fresh, "files/1"), find(fresh, "files/1")]);
    expect(one).toBe(other);
  });

  test("ends a slice where the file ends, in blocks and in a tail", async () => {
    for (const size of [0, 1, 4095, 4096, 4097, 8192, 12_000]) {
      const { id } = await find(tree, `files/${size}`);
      for (const [offset, length] of [
        [0, size],
        [size, 1],
        [0, size + 9],
        [size >> 1, 99_999],
        [2 ** 52, 5],
      ] as const) {
        const slice = good(await tree.read(id, offset, length));
        const wanted = pattern(size).subarray(offset, offset + length);
        expect(Buffer.concat(slice.parts)).toEqual(Buffer.from(wanted));
        expect(slice).toMatchObject({ length: wanted.length, end: true });
        slice.release();
      }
    }
    const { id } = await find(tree, "files/8192");
    expect(await tree.read(id, 0, 0)).toMatchObject({ parts: [], end: false });
    const slice = good(await tree.read(id, 0, 8191));
    expect(slice).toMatchObject({ length: 8191, end: false });
    slice.release();
  });

  test("reads over the start of a tail are in pieces", async () => {
    const { id } = await find(tree, "files/12000");
    expect(await bytesAt(tree, id, 8000, 1000)).toEqual(
      Buffer.from(pattern(12_000).subarray(8000, 9000)),
    );
  });

  test("knows `.` and `..`, and nothing above the root", async () => {
    const deep = await find(tree, "deep");
    expect(await tree.lookup(deep.id, ".")).toBe(deep);
    expect(await tree.lookup(deep.id, "..")).toBe(await tree.attributes(tree.root));
    expect(await tree.lookup(tree.root, "..")).toBe(await tree.attributes(tree.root));
    const [self, parent] = good(await tree.readdir(tree.root, 0n, 2)).entries;
    expect([self?.name, parent?.name]).toEqual([".", ".."]);
    expect(parent?.attributes.id).toBe(tree.root);
  });

  test("a directory's pages go on after each cookie, whatever their size", async () => {
    const { id } = await find(tree, "files");
    const all = await entriesOf(tree, id, 1000);
    for (const size of [1, 2, 5]) expect(await entriesOf(tree, id, size)).toEqual(all);
    const last = all.at(-1)?.cookie ?? 0n;
    expect(await tree.readdir(id, last, 10)).toEqual({ entries: [], end: true });
    expect(await tree.readdir(id, 0n, 0)).toEqual({ entries: [], end: false });
    expect(new Set(all.map(({ cookie }) => cookie)).size).toBe(all.length);
  });

  test("cookies that were never given are bad", async () => {
    const { id, size } = await find(tree, "files");
    for (const cookie of [1n, 13n, BigInt(size), 4092n, 1n << 62n, (1n << 64n) - 1n]) {
      expect(await tree.readdir(id, cookie, 10)).toBe("bad-cookie");
    }
  });

  test("names that cannot be are not found", async () => {
    for (const name of ["", "a/b", "/", "files/", "\0", "x".repeat(256), "\u0100"]) {
      expect(await tree.lookup(tree.root, name)).toBe("not-found");
    }
  });

  test("asking one kind for what another has is an error", async () => {
    const file = await find(tree, "files/1");
    const fifo = await find(tree, "fifo");
    expect(await tree.lookup(file.id, "x")).toBe("not-directory");
    expect(await tree.readdir(fifo.id, 0n, 1)).toBe("not-directory");
    expect(await tree.readlink(file.id)).toBe("not-symlink");
    expect(await tree.read(tree.root, 0, 1)).toBe("not-file");
    expect(await tree.read(fifo.id, 0, 1)).toBe("not-file");
  });

  test("ids of no inode are stale", async () => {
    for (const id of [1n << 32n, 1n << 63n, (1n << 64n) - 1n] as FileId[]) {
      expect(await tree.attributes(id)).toBe("stale");
      expect(await tree.lookup(id, "x")).toBe("stale");
      expect(await tree.readdir(id, 0n, 1)).toBe("stale");
      expect(await tree.readlink(id)).toBe("stale");
      expect(await tree.read(id, 0, 1)).toBe("stale");
    }
  });

  test("ids, cookies and identity are the same when it is opened again", async () => {
    const { tree: again } = await opened(image);
    expect(again.identity).toBe(tree.identity);
    const { id } = await find(tree, "files");
    expect(await entriesOf(again, id, 3)).toEqual(await entriesOf(tree, id, 100));
  });

  test("tells its size and that it is full", async () => {
    expect(await tree.usage()).toEqual({
      totalBytes: statSync(image).size,
      freeBytes: 0,
      availableBytes: 0,
      // dump.erofs -s: "Filesystem inode count".
      totalFiles: inodeCount(image),
      freeFiles: 0,
    });
  });

  test("holds nothing of the cache", () => {
    expect(cache.held).toBe(0);
  });
});

describe.skipIf(lacking)(title("the file of an image", lacking), () => {
  let image: string;
  beforeAll(() => {
    image = makeImage(source);
  });
  const digest = () => createHash("sha256").update(readFileSync(image)).digest("hex");

  test("has the digest that is asked for, whose first 64 bits are the tree's identity", async () => {
    const { tree } = await opened(image, { digest: digest() });
    expect(tree.identity).toBe(BigInt(`0x${digest().slice(0, 16)}`));
  });

  test("of another digest is refused, and both are told", async () => {
    const wanted = `${"0123456789ab"}${"0".repeat(52)}`;
    const refused = opened(image, { digest: wanted });
    await expect(refused).rejects.toThrow(UserError);
    await expect(refused).rejects.toThrow(
      `the image ${image} has the digest ${digest().slice(0, 12)}…, not 0123456789ab…`,
    );
  });

  test("is not read whole where the tree's identity is known", async () => {
    const { tree } = await opened(image, { identity: 0x1234n });
    expect(tree.identity).toBe(0x1234n);
    expect(await differences(tree, source)).toEqual([]);
  });

  test("may be replaced or removed: what was opened is served", async () => {
    const copy = `${base}/replaced.erofs`;
    copyFileSync(image, copy);
    const { tree, cache } = await opened(copy);
    renameSync(makeImage(`${source}/empty`), copy);
    expect(await differences(tree, source)).toEqual([]);
    rmSync(copy);
    cache.forget();
    expect(await differences(tree, source)).toEqual([]);
  });

  test("closed: what is not cached is an I/O error", async () => {
    const cache = new WatchedCache();
    const tree = await openErofs(image, { cache, identity: 1n });
    const { id } = await find(tree, "files/300000");
    await tree[Symbol.asyncDispose]();
    cache.forget();
    expect(await tree.read(id, 0, 10)).toBe("io");
  });

  test("cut short while it is served: what is gone is an I/O error", async () => {
    const copy = `${base}/short.erofs`;
    copyFileSync(image, copy);
    const { tree, cache } = await opened(copy);
    const { id } = await find(tree, "files/300000");
    const bytes = await bytesAt(tree, id, 0, 300_000);
    truncateSync(copy, 50_000);
    expect(await bytesAt(tree, id, 0, 300_000)).toEqual(bytes);
    cache.forget();
    expect(await tree.read(id, 0, 300_000)).toBe("io");
    truncateSync(copy, 0);
    cache.forget();
    expect(await tree.read(id, 200_000, 10)).toBe("io");
    expect(await tree.attributes(id)).toMatchObject({ size: 300_000 });
    expect(cache.held).toBe(0);
  });
});

function inodeCount(image: string): number {
  const told = execFileSync("dump.erofs", ["-s", image], { encoding: "utf8" });
  return Number(/inode count:\s*(\d+)/.exec(told)?.[1]);
}
