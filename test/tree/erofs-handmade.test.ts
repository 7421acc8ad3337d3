import { execFileSync } from "node:child_process";
import { afterAll, describe, expect, test } from "vitest";
import { openErofs } from "../../src/tree/erofs.ts";
import type { FileId, Tree } from "../../src/tree/tree.ts";
import { UserError } from "../../src/user-error.ts";
import { lackingOf, title } from "../needs.ts";
import { temporaryDirectory } from "../nfs/served.ts";
import { type Fields, HandmadeImage, Layout, Mode } from "./erofs/handmade.ts";
import { bytesAt, entriesOf, find, good } from "./erofs/reading.ts";
import { WatchedCache } from "./erofs/watched-cache.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const base = await temporaryDirectory(cleanup);
const path = `${base}/handmade.erofs`;

async function open(image: HandmadeImage): Promise<Tree> {
  const cache = new WatchedCache();
  cleanup.defer(() => expect(cache.held).toBe(0));
  return cleanup.use(await openErofs(image.seal().write(path), { cache }));
}

const LONG = "n".repeat(255);
const TB = 2 ** 40;

/** The root has one file `file`, inode 10, made of these. */
function withFile(
  fields: Partial<Fields>,
  form: "compact" | "extended" = "extended",
): HandmadeImage {
  const image = new HandmadeImage().root([["file", 10]]);
  return image[form](10, { mode: Mode.FILE, size: 5000, ...fields });
}

function words(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Uint32Array.from(values).buffer);
}

const NOWHERE = 0xffff_ffff;

/** Good ones, so that it is known that the bad ones are bad for what is told of them. */
describe("what mkfs.erofs 1.5 does not write", () => {
  const images = {
    "a name of 255 bytes": new HandmadeImage()
      .root([[LONG, 10]])
      .compact(10, { mode: Mode.FILE, size: 0 }),
    "a file of 1 TiB that is mostly a hole": withFile({
      layout: Layout.CHUNKS,
      size: TB,
      where: 26,
      follows: words(NOWHERE, 3, NOWHERE, NOWHERE),
    }),
    "the same with indexes of 8 bytes": withFile({
      layout: Layout.CHUNKS,
      size: TB,
      where: 26 | 0x20,
      follows: words(0, NOWHERE, 0, 3, 0, NOWHERE, 0, NOWHERE),
    }),
  };

  test("a name of 255 bytes", async () => {
    const tree = await open(images["a name of 255 bytes"]);
    expect(await find(tree, LONG)).toMatchObject({ id: 10n });
    expect((await entriesOf(tree, tree.root, 9)).map(({ name }) => name)).toEqual([
      ".",
      "..",
      LONG,
    ]);
  });

  test.each([
    ["a file of 1 TiB that is mostly a hole"],
    ["the same with indexes of 8 bytes"],
  ] as const)("%s", async (name) => {
    const image = images[name];
    image.at(3).write("here");
    const tree = await open(image);
    const { id, size } = await find(tree, "file");
    expect(size).toBe(TB);
    expect(await bytesAt(tree, id, TB / 4 - 100_000, 100_004)).toEqual(
      Buffer.concat([Buffer.alloc(100_000), Buffer.from("here")]),
    );
    expect(await tree.read(id, TB - 3, 9)).toMatchObject({ length: 3, end: true });
    const hole = good(await tree.read(id, TB / 2, 2 ** 20));
    expect(new Set(hole.parts.map(({ buffer }) => buffer)).size).toBe(1);
  });

  test.each([[9], [10], [11], [13], [16]])("blocks of 2^%d bytes", async (blockBits) => {
    const image = new HandmadeImage({ blockBits, blocks: 12 });
    image.root([["file", 9]]);
    const block = image.freeBlock + 1;
    image.compact(9, { mode: Mode.FILE, size: image.blockBytes + 5, where: block });
    image.at(block).fill("a");
    image.at(block + 1).write("tail.");
    const tree = await open(image);
    const { id, used } = await find(tree, "file");
    const bytes = await bytesAt(tree, id, 0, 1 << 20);
    expect(String(bytes)).toBe(`${"a".repeat(image.blockBytes)}tail.`);
    expect(used).toBe(2 * image.blockBytes);
  });

  test("a compact inode's own time, as erofs-utils 1.9 writes it", async () => {
    const tree = await open(withFile({ modified: 77, where: 3 }, "compact"));
    expect((await find(tree, "file")).modified).toEqual({ seconds: 1_600_000_077, nanoseconds: 0 });
    expect((await find(tree, ".")).modified).toEqual({ seconds: 1_600_000_000, nanoseconds: 0 });
  });

  test("a plain file that is nowhere is a hole, as Linux has it", async () => {
    const tree = await open(withFile({ where: NOWHERE }));
    expect(await bytesAt(tree, (await find(tree, "file")).id, 10, 9000)).toEqual(
      Buffer.alloc(4990),
    );
  });

  const lacking = lackingOf("fsck.erofs");
  test.skipIf(lacking)(title("is what fsck.erofs takes", lacking), () => {
    execFileSync("fsck.erofs", [images["a name of 255 bytes"].seal().write(path)], {
      stdio: "pipe",
    });
  });
});

describe("an image that cannot be served is refused with what was found", () => {
  const refused: Record<string, readonly [(image: HandmadeImage) => void, string]> = {
    "no EROFS": [({ bytes }) => bytes.writeUInt32LE(0x1234, 1024), "magic number is 0x1234"],
    "no checksum": [({ bytes }) => bytes.writeUInt32LE(2, 1032), "no checksum"],
    "small blocks": [({ bytes }) => bytes.writeUInt8(8, 1036), "blocks of 2^8 bytes"],
    "large blocks": [({ bytes }) => bytes.writeUInt8(17, 1036), "blocks of 2^17 bytes"],
    compression: [({ bytes }) => bytes.writeUInt32LE(1, 1104), "compression (features 0x1)"],
    devices: [({ bytes }) => bytes.writeUInt32LE(0xc, 1104), "several devices (features 0xc)"],
    "a device": [({ bytes }) => bytes.writeUInt16LE(1, 1110), "several devices"],
    fragments: [({ bytes }) => bytes.writeUInt32LE(0x20, 1104), "fragments or shared data"],
    "48 bits": [({ bytes }) => bytes.writeUInt32LE(0x80, 1104), "48-bit addresses"],
    "a new feature": [({ bytes }) => bytes.writeUInt32LE(2 ** 31, 1104), "unknown"],
    "other directories": [({ bytes }) => bytes.writeUInt8(1, 1114), "directory blocks"],
    "too few blocks": [({ bytes }) => bytes.writeUInt32LE(9, 1060), "32768 bytes of 36864"],
    "no root": [
      ({ bytes }) => bytes.writeUInt16LE(60_000, 1038),
      "its root is no directory (stale)",
    ],
    "a file as root": [
      (image) => image.compact(0, { mode: Mode.FILE, size: 0 }),
      "its root is no directory (file)",
    ],
    "a broken root": [(image) => image.compact(0, { mode: 0, size: 0 }), "no directory (io)"],
  };

  test.each(Object.entries(refused))("%s", async (_, [break_, found]) => {
    const image = withFile({});
    break_(image);
    const opening = open(image);
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(`the image ${path} `);
    await expect(opening).rejects.toThrow(found);
    await expect(opening).rejects.toThrow("sidus build --image");
  });

  test("any bit of the superblock's block flipped", async () => {
    const image = withFile({}).seal();
    for (let bit = 1024 * 8; bit < 4096 * 8; bit += 61) {
      image.bytes.writeUInt8(image.bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const opening = openErofs(image.write(path), { cache: new WatchedCache() });
      await expect(opening).rejects.toThrow(UserError);
      image.bytes.writeUInt8(image.bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    }
  });

  test("nothing there, and a directory", async () => {
    const cache = new WatchedCache();
    await expect(openErofs(`${base}/none`, { cache })).rejects.toThrow("does not exist");
    await expect(openErofs(base, { cache })).rejects.toThrow("is not a file");
  });
});

describe("a damaged file is an I/O error, and no more", () => {
  const files: Record<string, Partial<Fields>> = {
    "data behind the end": { where: 100 },
    "data over the end": { where: 7, size: 4097 },
    "data far behind the end": { where: NOWHERE - 1 },
    "more than fits": { where: 3, size: 2 ** 50 },
    "a tail that leaves its block": { where: 3, layout: Layout.INLINE, size: 4000 },
    "attributes that leave the block": { where: 3, layout: Layout.INLINE, xattrCount: 60_000 },
    "a chunk outside": { layout: Layout.CHUNKS, follows: words(3, 8) },
    "a chunk far outside": { layout: Layout.CHUNKS, follows: words(3, NOWHERE - 1) },
    "a map outside": { layout: Layout.CHUNKS, xattrCount: 60_000 },
    "a map over the end": { layout: Layout.CHUNKS, size: 2 ** 50 },
  };

  test.each(Object.entries(files))("%s", async (_, fields) => {
    const tree = await open(withFile(fields));
    const file = await tree.lookup(tree.root, "file");
    if (file !== "io") {
      const { id, size } = good(file);
      expect(await tree.read(id, size - 900, 900)).toBe("io");
    }
    expect(await tree.lookup(tree.root, ".")).toMatchObject({ id: tree.root });
  });

  const inodes: Record<string, Partial<Fields>> = {
    "no type": { mode: 0o644 },
    "an unknown type": { mode: 0o170644 },
    compressed: { layout: Layout.COMPRESSED },
    "compressed in another way": { layout: 3 },
    "an unknown layout": { layout: 5 },
    "an unknown format": { formatBits: 0x10 },
    "an unknown form of chunks": { layout: Layout.CHUNKS, where: 0x40 },
    "a size that no number holds": { size: 2n ** 53n },
    "a negative size": { size: 2n ** 64n - 1n },
  };

  test.each(Object.entries(inodes))("an inode with %s", async (_, fields) => {
    const tree = await open(withFile(fields));
    expect(await tree.lookup(tree.root, "file")).toBe("io");
    expect(await tree.attributes(10n as FileId)).toBe("io");
    expect(await tree.readdir(tree.root, 0n, 10)).toBe("io");
  });

  test("an extended inode that is cut by the image's end", async () => {
    const image = new HandmadeImage({ blocks: 4 });
    // In its last 32 bytes; the root's block is the one before the last.
    const last = (2 * image.blockBytes) / 32 + 127;
    image.root([["file", last]]).compact(last, { mode: Mode.FILE, size: 0 });
    expect(await (await open(image)).lookup(0n as FileId, "file")).toMatchObject({ size: 0 });
    image.at(3).writeUInt16LE(1, 4096 - 32);
    expect(await (await open(image)).lookup(0n as FileId, "file")).toBe("io");
  });

  test.each([
    ["of no bytes", { size: 0 }],
    ["too long", { size: 4096 }],
    ["far too long", { size: 2 ** 52 }],
    ["outside", { size: 10, where: 8 }],
    ["with a zero byte", { size: 10 }],
  ])("a symbolic link %s", async (_, fields) => {
    const image = withFile({ mode: Mode.SYMLINK, where: 3, ...fields });
    image.at(3).write("with\0zero");
    const tree = await open(image);
    expect(await tree.readlink((await find(tree, "file")).id)).toBe("io");
  });
});

describe("a damaged directory is an I/O error, and no more", () => {
  const start = new HandmadeImage().freeBlock;
  const broken: Record<string, (block: Buffer, image: HandmadeImage) => void> = {
    "no entries": (block) => block.fill(0),
    "a first name before its entry": (block) => block.writeUInt16LE(6, 8),
    "a first name within the entries": (block) => block.writeUInt16LE(13, 8),
    "a first name behind the block": (block) => block.writeUInt16LE(4104, 8),
    "names out of order": (block) => block.writeUInt16LE(36, 32),
    "a name behind the block": (block) => block.writeUInt16LE(65_535, 32),
    "names within the entries": (block) => block.writeUInt16LE(3, 20),
    "an inode outside": (block) => block.writeBigUInt64LE(2n ** 40n, 24),
    "an inode far outside": (block) => block.writeBigUInt64LE(2n ** 64n - 1n, 24),
    "an inode that no number holds": (block) => block.writeBigUInt64LE(2n ** 53n + 1n, 24),
    "a slash in a name": (block) => block.write("a/", 36 + 3),
    "a zero byte in a name": (block) => block.write(".\0", 36 + 1),
    "a name of no bytes": (block) => block.write("\0", 36 + 3),
    "being nowhere": (_, image) =>
      image.compact(0, { mode: Mode.DIRECTORY, size: 43, where: NOWHERE }),
    "being outside": (_, image) => image.compact(0, { mode: Mode.DIRECTORY, size: 43, where: 8 }),
    "being larger than the image": (_, image) =>
      image.extended(0, { mode: Mode.DIRECTORY, size: 2 ** 52, where: start }),
    "being a hole of many blocks": (_, image) =>
      image.extended(0, {
        mode: Mode.DIRECTORY,
        size: 2 ** 52,
        layout: Layout.CHUNKS,
        where: 31,
        follows: words(...Array.from({ length: 512 }, () => NOWHERE)),
      }),
  };

  test.each(Object.entries(broken))("%s", async (_, break_) => {
    const image = withFile({});
    break_(image.at(start), image);
    const tree = await open(image);
    const found = await tree.lookup(tree.root, "file");
    if (typeof found === "string") expect(["io", "not-found"]).toContain(found);
    else expect(found.id).toBe(10n);
    const listed = await tree.readdir(tree.root, 0n, 1000);
    expect(listed).toBe("io");
    expect(await tree.attributes(tree.root)).toMatchObject({ type: "directory" });
  });

  test("a directory in itself", async () => {
    const tree = await open(new HandmadeImage().root([["again", 0]]));
    expect((await find(tree, "again/again/again/../again")).id).toBe(tree.root);
    expect(await entriesOf(tree, tree.root, 1)).toHaveLength(3);
  });

  test("a root whose parent is something else", async () => {
    const image = withFile({});
    image.at(start).writeBigUInt64LE(10n, 12);
    const tree = await open(image);
    expect(await tree.lookup(tree.root, "..")).toMatchObject({ id: tree.root });
    const { entries } = good(await tree.readdir(tree.root, 0n, 9));
    expect(entries[1]?.attributes.id).toBe(tree.root);
  });

  test("names that are not sorted: some are not found, all are listed", async () => {
    const image = new HandmadeImage().root([]);
    const names = ["z", "b", ".", "..", "a"].map((name) => [name, 0] as const);
    const size = image.entries(start, names);
    const tree = await open(image.compact(0, { mode: Mode.DIRECTORY, size, where: start }));
    expect(await tree.lookup(tree.root, "zz")).toBe("not-found");
    expect(await entriesOf(tree, tree.root, 2)).toHaveLength(5);
  });
});
