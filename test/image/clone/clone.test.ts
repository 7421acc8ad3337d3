import {
  appendFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { type CloneOptions, cloneTree } from "../../../src/image/clone/clone.ts";
import type { Progress } from "../../../src/image/progress.ts";
import { systemClock } from "../../../src/net/clock.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { writeFullTree } from "../change/full-tree.ts";
import { openDisk } from "./disk.ts";
import { blocksIn, expectSame } from "./same.ts";

function clone(options: Pick<CloneOptions, "from" | "to"> & Partial<CloneOptions>) {
  return cloneTree({ method: "copy", clock: systemClock, progress() {}, ...options });
}

const asRoot = lackingOf("root", "setfattr");

describe.skipIf(asRoot !== undefined)(title("a copy of all that a tree can hold", asRoot), () => {
  const from = join(directoryOf({}), "full");
  beforeAll(() => writeFullTree(from));

  test("is the same: owners, modes, times, links, attributes, devices, sockets, holes", async () => {
    const to = join(directoryOf({}), "trees", "copy");
    expect(await clone({ from, to })).toEqual({ method: "copy", isReadOnly: false, changed: [] });
    expectSame(to, from);
    expect(blocksIn(to)).toEqual(blocksIn(from));
    expect(readdirSync(join(to, ".."))).toEqual(["copy"]);
  });

  test("is told of as it grows", async () => {
    const seen: Progress[] = [];
    const progress = (one: Progress): void => void seen.push(one);
    await clone({ from, to: join(directoryOf({}), "copy"), progress });
    expect(seen[0]).toMatchObject({ step: "copying", unit: "bytes" });
    // 300,000 bytes and what is small; the hole of 3,000,000 is none of them.
    expect(seen[0]?.total).toBeGreaterThan(300_000);
    expect(seen[0]?.total).toBeLessThan(400_000);
  });
});

test("interrupted, nothing of it is left", async () => {
  const parent = directoryOf({ "room/etc/passwd": "root" });
  const controller = new AbortController();
  const { signal } = controller;
  const progress = (): void => controller.abort();
  const to = join(parent, "copy");
  await expect(clone({ from: join(parent, "room"), to, progress, signal })).rejects.toThrow(
    /^cloning \S+ was interrupted; nothing of it is left$/,
  );
  expect(readdirSync(parent)).toEqual(["room"]);
});

test("what is written meanwhile is named", async () => {
  const from = directoryOf({ "etc/passwd": "root", "etc/group": "root", "var/old": "" });
  const progress = (): void => appendFileSync(join(from, "etc/passwd"), "+");
  const { changed } = await clone({ from, to: `${from}-copy`, progress });
  expect(changed).toEqual(["/etc/passwd"]);
});

test("a tree that is named by a link is cloned, not the link", async () => {
  const parent = directoryOf({ "room/etc/passwd": "root" });
  symlinkSync("room", join(parent, "current"));
  await clone({ from: join(parent, "current"), to: join(parent, "copy") });
  expectSame(join(parent, "copy"), join(parent, "room"));
});

describe("what cannot be cloned is refused, and nothing is left", () => {
  test.each([
    ["no such tree", "nothing", "copy", /nothing is no directory: name the one that holds/],
    ["a place that is taken", "room", "other", /other is already there: choose another name/],
    ["a place in the tree", "room", "room/in/it", /it is in \S+: a clone goes beside its tree/],
  ])("%s", async (_, from, to, message) => {
    const parent = directoryOf({ "room/etc/passwd": "root", "other/etc/passwd": "other" });
    const cloned = clone({ from: join(parent, from), to: join(parent, to) });
    await expect(cloned).rejects.toThrow(UserError);
    await expect(cloned).rejects.toThrow(message);
    expect(readdirSync(parent).sort()).toEqual(["other", "room"]);
  });

  test.each([
    ["btrfs", /cannot be cloned by btrfs: it is no subvolume of btrfs; --method auto/],
    ["zfs", /cannot be cloned by zfs: it is no data set of ZFS; /],
    ["reflink", /cannot be cloned by reflink: files there cannot share their blocks: /],
  ] as const)("%s, where the file system has it not", async (method, message) => {
    // tmpfs, whatever the machine's disks have.
    const parent = `/dev/shm/sidus-test-clone-${process.pid}-${method}`;
    mkdirSync(join(parent, "room"), { recursive: true });
    writeFileSync(join(parent, "room/file"), "content");
    try {
      const cloned = clone({ from: join(parent, "room"), to: join(parent, "copy"), method });
      await expect(cloned).rejects.toThrow(message);
      expect(readdirSync(parent)).toEqual(["room"]);
    } finally {
      rmSync(parent, { recursive: true });
    }
  });
});

const lacking = lackingOf("root", "mkfs.btrfs", "mkfs.xfs", "nsenter", "setfattr");

// Programs start slowly on a machine that builds meanwhile.
const PATIENCE_MS = 180_000;

describe.skipIf(lacking !== undefined)(
  title("on a disk of its own", lacking),
  {
    timeout: PATIENCE_MS,
  },
  () => {
    test("btrfs: a subvolume is snapshot; a snapshot is read-only, and comes back", async () => {
      await using disk = await openDisk("btrfs");
      const room = join(disk.path, "room");
      disk.run("btrfs", "subvolume", "create", room);
      await writeFullTree(join(disk.here, "room/tree"));
      mkdirSync(join(disk.here, "room/etc"));
      mkdirSync(join(disk.here, "room/usr/bin"), { recursive: true });
      const json = async (...args: string[]) => {
        const { code, stdout, stderr } = await disk.sidus("tree", ...args, "--json");
        expect(code, stderr).toBe(0);
        return JSON.parse(stdout);
      };
      expect(await json("snapshot", room, "first")).toEqual({
        path: `${room}@first`,
        method: "btrfs",
        isReadOnly: true,
        changed: [],
      });
      expectSame(join(disk.here, "room@first/tree"), join(disk.here, "room/tree"));
      expect(() => disk.run("touch", `${room}@first/new`)).toThrow(/Read-only file system/);
      disk.run("touch", join(room, "etc/later"));
      const { kept, method } = await json("restore", room, "first");
      expect(method).toBe("btrfs");
      expect(readdirSync(join(disk.here, "room/etc"))).toEqual([]);
      expect(disk.run("ls", join(kept, "etc"))).toBe("later\n");
      disk.run("touch", join(room, "etc/again"));
      await json("rm", `${room}@first`);
      const listed: { path: string; isSubvolume: boolean }[] = await json("list", room);
      expect(listed.map(({ path, isSubvolume }) => [path, isSubvolume])).toEqual([
        [room, true],
        [kept, true],
      ]);
      disk.run("btrfs", "subvolume", "create", join(room, "inner"));
      expect(
        (await disk.sidus("tree", "clone", room, `${room}2`, "--method", "btrfs")).stderr,
      ).toMatch(
        /by btrfs: \S+\/room\/inner is a subvolume of its own, and would be empty; --method auto/,
      );
      expect(await json("clone", room, `${room}2`)).toMatchObject({ method: "reflink" });
      expect(readdirSync(join(disk.here, "room2")).sort()).toEqual(["etc", "inner", "tree", "usr"]);
    });

    test("XFS: files share their blocks until they are written to", async () => {
      await using disk = await openDisk("xfs");
      const room = join(disk.path, "room");
      mkdirSync(join(disk.here, "room/etc"), { recursive: true });
      writeFileSync(join(disk.here, "room/etc/passwd"), "root");
      linkSync(join(disk.here, "room/etc/passwd"), join(disk.here, "room/linked"));
      writeFileSync(join(disk.here, "room/large"), Buffer.alloc(32 << 20, "x"));
      disk.run("sync", "-f", room);
      const used = () => Number(disk.run("df", "--output=used", "-B1", disk.path).split("\n")[1]);
      const before = used();
      const { code, stdout } = await disk.sidus("tree", "clone", room, `${room}2`);
      expect(code).toBe(0);
      expect(stdout).toBe(`${room}2: is what ${room} is, by reflink\n`);
      expectSame(join(disk.here, "room2"), join(disk.here, "room"));
      expect(used() - before).toBeLessThan(8 << 20);
      appendFileSync(join(disk.here, "room2/large"), "more");
      expect(disk.run("tail", "-c", "1", join(room, "large"))).toBe("x");
    });

    test("a disk that is full: said before anything is written", async () => {
      await using disk = await openDisk("ext4", 32);
      const from = directoryOf({});
      writeFileSync(join(from, "large"), Buffer.alloc(40 << 20, "x"));
      const { code, stderr } = await disk.sidus("tree", "clone", from, join(disk.path, "copy"));
      expect(stderr).toMatch(/: \S+ has 42 MB, and only \d+ MB are free where its copy is to be: /);
      expect(code).toBe(1);
      expect(readdirSync(disk.here)).toEqual(["lost+found"]);
    });

    test("what is mounted in a tree is neither copied nor left out in silence", async () => {
      await using disk = await openDisk("ext4", 32);
      const parent = join(disk.path, "..", "trees");
      mkdirSync(join(parent, "room/proc"), { recursive: true });
      disk.run("mount", "-t", "proc", "proc", join(parent, "room/proc"));
      const room = join(parent, "room");
      const { code, stderr } = await disk.sidus("tree", "snapshot", room, "x");
      expect(stderr).toMatch(/^sidus: \S+\/room\/proc is mounted in the tree: unmount it, then/);
      expect(code).toBe(2);
      expect(existsSync(`${room}@x`)).toBe(false);
    });
  },
);
