import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openImage, unpackImage, unpackPart } from "../../../src/image/change/unpack.ts";
import { sealTree } from "../../../src/image/store/seal.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { temporaryDirectory } from "../../nfs/served.ts";
import { HandmadeImage, Mode } from "../../tree/erofs/handmade.ts";
import { differences } from "../../tree/erofs/reading.ts";
import { processesNaming } from "../remains.ts";
import { attributesBelow, writeFullTree } from "./full-tree.ts";

const lacking = lackingOf("mkfs.erofs", "setfattr", "getfattr", "root");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const base = await temporaryDirectory(cleanup);
const source = join(base, "source");
const store = new ImageStore(join(base, "images"));
let file: string;
let digest: string;

async function seal(tree: string): Promise<string> {
  const sealed = await sealTree({
    ...{ name: "room", tree, store, version: "1.2.3" },
    sealedAt: new Date(0),
    origin: { made: "test", parent: undefined, recipe: undefined },
  });
  return sealed.digest;
}

beforeAll(async () => {
  if (lacking !== undefined) return;
  await writeFullTree(source);
  digest = await seal(source);
  file = join(store.directoryOf("room"), `${digest}.erofs`);
});

describe.skipIf(lacking)(title("an image is unpacked", lacking), () => {
  test("to a directory that is sealed to the same image", async () => {
    const to = join(base, "unpacked");
    const seen: [string, number][] = [];
    expect(await unpackImage({ file, to, progress: (...told) => seen.push(told) })).toEqual({
      devices: [],
    });
    await using tree = await openImage(file);
    expect(await differences(tree, to)).toEqual([]);
    expect(attributesBelow(to)).toBe(attributesBelow(source));
    expect(attributesBelow(to)).toContain("posix_acl_default");
    expect(await seal(to)).toBe(digest);
    expect(seen).toContainEqual(["files/300000", expect.any(Number)]);
  });

  test("as rsync sees it: nothing differs from what was sealed", async () => {
    const to = join(base, "compared");
    await unpackImage({ file, to });
    const flags = ["--dry-run", "--itemize-changes", "--delete", "-aAXHc"];
    const told = execFileSync("rsync", [...flags, `${source}/`, `${to}/`], { encoding: "latin1" });
    expect(told).toBe("");
  });

  test("with times before 1970, to the nanosecond", async () => {
    const old = join(base, "old");
    mkdirSync(old);
    for (const time of ["-1000000.25", "-0.000000001", "-86400"]) {
      execFileSync("touch", [`--date=@${time}`, join(old, time)]);
    }
    const image = join(base, "old.erofs");
    execFileSync("mkfs.erofs", ["--quiet", "-Eforce-inode-extended", image, old]);
    const to = join(base, "old-unpacked");
    await unpackImage({ file: image, to });
    const times = readdirSync(old).map((name) => timeOf(join(to, name)));
    expect(times).toEqual(readdirSync(old).map((name) => timeOf(join(old, name))));
  });

  test("over what is there, in part", async () => {
    const to = join(base, "in-part");
    await unpackImage({ file, to });
    rmSync(join(to, "setuid"));
    writeFileSync(join(to, "files/513"), "written over");
    symlinkSync("513", join(to, "files/new"));
    await using tree = await openImage(file);
    const parts = new Set(["setuid", "files/513", "linked"]);
    await unpackPart(tree, { to, has: (path) => parts.has(path) });
    expect(readlinkSync(join(to, "files/new"))).toBe("513");
    rmSync(join(to, "files/new"));
    await unpackPart(tree, { to, has: (path) => path === "files" || path === "" });
    expect(await differences(tree, to)).toEqual([]);
  });

  test("interrupted: says so by the signal, and tar is gone", async () => {
    const controller = new AbortController();
    const to = join(base, "interrupted");
    const progress = () => controller.abort();
    const unpacking = unpackImage({ file, to, progress, signal: controller.signal });
    await expect(unpacking).rejects.toThrow("aborted");
    expect(processesNaming(`--directory=${to}`)).toEqual([]);
  });

  test("to a full disk: an error that says which", async () => {
    const to = join(base, "full");
    mkdirSync(to);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=128k", "none", to]);
    try {
      await expect(unpackImage({ file, to })).rejects.toThrow(/^unpacking to .*No space left/);
    } finally {
      execFileSync("umount", [to]);
    }
  });
});

describe.skipIf(lacking)(title("a damaged image is refused, not unpacked forever", lacking), () => {
  test("a directory within itself", async () => {
    const image = new HandmadeImage().root([["again", 0]]).seal();
    const unpacking = unpackImage({ file: image.write(join(base, "loop")), to: join(base, "l") });
    await expect(unpacking).rejects.toThrow(UserError);
    await expect(unpacking).rejects.toThrow("the image is damaged: /again is in two places");
  });

  test("two files of one name: the link of the first is not followed", async () => {
    const image = new HandmadeImage({ blocks: 10 });
    image.root([
      ["etc", 10],
      ["etc", 20],
    ]);
    const outside = join(base, "outside");
    mkdirSync(outside);
    const target = Buffer.from(outside);
    image.at(5).set(target);
    image.compact(10, { mode: Mode.SYMLINK, size: target.length, where: 5 });
    const size = image.entries(6, [
      [".", 20],
      ["..", 0],
      ["passwd", 30],
    ]);
    image.compact(20, { mode: Mode.DIRECTORY, size, where: 6 });
    image.compact(30, { mode: Mode.FILE, size: 5, where: 7 });
    const to = join(base, "twice");
    const file = image.seal().write(join(base, "twice.erofs"));
    await unpackImage({ file, to }).catch((error) => expect(error).toBeInstanceOf(UserError));
    expect(readdirSync(outside)).toEqual([]);
  });
});

function timeOf(path: string): bigint {
  return lstatSync(path, { bigint: true }).mtimeNs;
}
