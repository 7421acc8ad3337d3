import { execFileSync } from "node:child_process";
import { chmodSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Device, standardDevices } from "../../../src/image/store/device.ts";
import { sealTree } from "../../../src/image/store/seal.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { versionFile } from "../../../src/image/store/versions.ts";
import { CACHE_BYTES_MIN } from "../../../src/limits.ts";
import { BlockCache } from "../../../src/tree/cache/cache.ts";
import { openErofs } from "../../../src/tree/erofs.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { differences } from "../../tree/erofs/reading.ts";

const lacking = lackingOf("mkfs.erofs", "fsck.erofs");
const lackingRoot = lackingOf("mkfs.erofs", "fsck.erofs", "root");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

const disk: Device = {
  path: "/srv/node/disk",
  ...{ type: "block", mode: 0o640, uid: 7, gid: 4_000_000_000, major: 4095, minor: 1_048_575 },
};
const tape: Device = { ...disk, path: "/dev/tape", type: "character", mode: 0o4000, minor: 256 };

/** What makes a tree a system, and more names beside its devices than one block of a directory holds. */
function systemTree(): string {
  const many = Array.from({ length: 300 }, (_, at) => [`dev/long-name-of-a-file-${at}`, ""]);
  return directoryOf({
    "usr/lib/os-release": 'ID=debian\nVERSION_ID="12"\n',
    "srv/node/file": "content",
    ...Object.fromEntries(many),
  });
}

async function seal(tree: string, devices: readonly Device[] = [], store = newStore()) {
  const origin = { made: "test", parent: undefined, recipe: undefined };
  const sealedAt = new Date(0);
  const manifest = await sealTree({
    name: "room",
    tree,
    store,
    version: "1",
    sealedAt,
    origin,
    devices,
  });
  return { ...manifest, file: join(store.directoryOf("room"), versionFile(manifest.digest)) };
}

function newStore(): ImageStore {
  return new ImageStore(join(directoryOf({}), "images"));
}

/** Every path with its mode, owner and device, as find tells them; times too. */
function listingOf(tree: string): string {
  const format = "%p %M %U %G %T@ %s\\n";
  return execFileSync("find", [".", "-printf", format], { cwd: tree, encoding: "utf8" });
}

describe.skipIf(lacking)(title("devices that a tree could not hold", lacking), () => {
  test("are in the image: fsck.erofs and our own reader find them, and the tree is as it was", async () => {
    const tree = systemTree();
    execFileSync("touch", [
      "--date=@1700000000.123456789",
      join(tree, "dev"),
      join(tree, "srv/node"),
    ]);
    const before = listingOf(tree);
    const { file, digest } = await seal(tree, [disk, tape]);
    expect(listingOf(tree)).toBe(before);
    execFileSync("fsck.erofs", [file]);
    const cache = BlockCache.create(CACHE_BYTES_MIN);
    const image = cleanup.use(await openErofs(file, { cache, digest }));
    for (const device of [...standardDevices, disk, tape]) {
      let at: Awaited<ReturnType<typeof image.lookup>> = await image.attributes(image.root);
      for (const name of device.path.split("/").slice(1)) {
        if (typeof at === "string") throw new Error(`${device.path}: ${at}`);
        at = await image.lookup(at.id, name);
      }
      const { path: _, major, minor, ...rest } = device;
      expect(at).toMatchObject({ ...rest, device: { major, minor }, size: 0, links: 1 });
    }
  });

  test("what has their names stays; nothing is put where no directory is, or only a link to one", async () => {
    const tree = directoryOf({ "usr/lib/os-release": "", "dev/null": "no device", "etc/file": "" });
    const outside = directoryOf({});
    symlinkSync(outside, join(tree, "srv"));
    const absent = { ...tape, path: "/absent/tape" };
    const { file, digest } = await seal(tree, [absent, { ...disk, path: "/srv/disk" }]);
    const cache = BlockCache.create(CACHE_BYTES_MIN);
    const image = cleanup.use(await openErofs(file, { cache, digest }));
    const root = await image.attributes(image.root);
    if (typeof root === "string") throw new Error(root);
    const dev = await image.lookup(root.id, "dev");
    if (typeof dev === "string") throw new Error(dev);
    expect(await image.lookup(dev.id, "null")).toMatchObject({ type: "file", size: 9 });
    expect(await image.lookup(dev.id, "zero")).toMatchObject({ type: "character" });
    expect(await image.lookup(root.id, "absent")).toBe("not-found");
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a killed sealing's empty files become devices as well", async () => {
    const tree = directoryOf({ "usr/lib/os-release": "", "dev/null": "" });
    const times = [join(tree, "dev"), join(tree, "dev/null")];
    execFileSync("touch", ["--date=@1700000000", ...times]);
    const left = await seal(tree);
    chmodSync(join(tree, "dev/null"), 0o400);
    const { digest } = await seal(tree);
    expect(digest).not.toBe(left.digest);
    expect(readdirSync(join(tree, "dev"))).toEqual([]);
    expect((await seal(tree)).digest).toBe(digest);
  });

  test("a tree that is no system gets none", async () => {
    const tree = directoryOf({ "dev/file": "" });
    const { file, digest } = await seal(tree);
    const cache = BlockCache.create(CACHE_BYTES_MIN);
    const image = cleanup.use(await openErofs(file, { cache, digest }));
    expect(await differences(image, tree)).toEqual([]);
  });
});

describe.skipIf(lackingRoot)(title("devices, by the kernel's own eyes", lackingRoot), () => {
  test("a tree with nodes and one without give the same image, which Linux mounts", async () => {
    const without = systemTree();
    const withNodes = systemTree();
    for (const { path, type, major, minor, mode, uid, gid } of [...standardDevices, disk, tape]) {
      const node = join(withNodes, path);
      execFileSync("mknod", [node, type === "block" ? "b" : "c", String(major), String(minor)]);
      execFileSync("chown", [`${uid}:${gid}`, node]);
      chmodSync(node, mode);
    }
    for (const tree of [without, withNodes]) {
      execFileSync("sh", [
        "-c",
        `find ${tree} -exec touch --no-dereference --date=@1700000000 {} +`,
      ]);
    }
    const image = await seal(without, [disk, tape]);
    expect((await seal(withNodes)).digest).toBe(image.digest);
    const mountPoint = directoryOf({});
    const script = `mount -t erofs -o loop,ro ${image.file} ${mountPoint} && cd ${mountPoint} &&
      stat --format='%n %F %a %u %g %Hr %Lr %Y' dev/null dev/console srv/node/disk dev/tape && ls -U dev | wc -l &&
      find dev srv/node '(' -type c -o -type b ')' -printf '%f\\n' | wc -l`;
    const told = execFileSync("unshare", ["--mount", "sh", "-c", script], { encoding: "utf8" });
    expect(told.trim().split("\n")).toEqual([
      "dev/null character special file 666 0 0 1 3 1700000000",
      "dev/console character special file 666 0 0 5 1 1700000000",
      "srv/node/disk block special file 640 7 4000000000 4095 1048575 1700000000",
      "dev/tape character special file 4000 7 4000000000 4095 256 1700000000",
      "309",
      "10",
    ]);
  });
});
