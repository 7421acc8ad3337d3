import { execFileSync } from "node:child_process";
import {
  link,
  lstat,
  mkdir,
  rename,
  rm,
  symlink,
  unlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { openDirectory } from "../../src/tree/directory.ts";
import type {
  Answer,
  Attributes,
  DirectoryPage,
  FileId,
  Tree,
  TreeError,
} from "../../src/tree/tree.ts";
import { UserError } from "../../src/user-error.ts";
import { lackingOf, title } from "../needs.ts";
import { temporaryDirectory } from "../nfs/served.ts";
import { VirtualClock } from "../sim/clock.ts";

let cleanup: AsyncDisposableStack;
let path: string;
let clock: VirtualClock;
let tree: Tree;
const cache = BlockCache.create(16 << 20);

beforeEach(async () => {
  cleanup = new AsyncDisposableStack();
  path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "etc/init.d"), { recursive: true });
  await writeFile(join(path, "etc/passwd"), "root:x:0");
  await writeFile(join(path, "etc/init.d/ssh"), "start");
  clock = new VirtualClock();
  tree = cleanup.use(await openDirectory(path, { clock, cache }));
});
afterEach(() => cleanup.disposeAsync());

function good<T extends object>(answer: T | TreeError): T {
  if (typeof answer === "string") throw new Error(answer);
  return answer;
}

async function find(name: string, from: Tree = tree): Promise<Attributes> {
  let here = good(await from.attributes(from.root));
  for (const part of name.split("/")) here = good(await from.lookup(here.id, part));
  return here;
}

/** Until the answer is there, while the searches' rests pass in virtual time. */
async function resting<T extends object>(answer: Answer<T>): Promise<T | TreeError> {
  const state: { answer?: T | TreeError } = {};
  const waiting = Promise.resolve(answer).then((value) => {
    state.answer = value;
  });
  while (state.answer === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (clock.next() !== undefined) clock.advance(clock.next() ?? 0);
  }
  await waiting;
  return state.answer;
}

async function text(id: FileId): Promise<string> {
  const slice = await resting(tree.read(id, 0, 1000));
  return typeof slice === "string" ? slice : Buffer.concat(slice.parts).toString();
}

async function namesIn(id: FileId, pageSize = 1000): Promise<string[]> {
  const names: string[] = [];
  for (let cookie = 0n; ; ) {
    const page = good(await tree.readdir(id, cookie, pageSize));
    names.push(...page.entries.map(({ name }) => name));
    if (page.end) return names;
    cookie = page.entries.at(-1)?.cookie ?? 0n;
  }
}

/** As if each question took so long. */
class SlowClock extends VirtualClock {
  stepMs = 0;

  override now() {
    this.advance(this.stepMs);
    return super.now();
  }
}

const age = (): void => clock.advance(1001);

describe("what is known is answered at once, and believed for a second", () => {
  test("attributes, names, absent names, links and pages need no promise", async () => {
    await symlink("passwd", join(path, "etc/link"));
    const etc = await find("etc");
    await tree.lookup(etc.id, "none");
    const linked = await find("etc/link");
    await tree.readlink(linked.id);
    await tree.readdir(etc.id, 0n, 100);
    const passwd = good(await tree.lookup(etc.id, "passwd"));
    expect(tree.attributes(passwd.id)).toBe(passwd);
    expect(tree.lookup(etc.id, "passwd")).toBe(passwd);
    expect(tree.lookup(etc.id, "none")).toBe("not-found");
    expect(tree.readlink(linked.id)).toEqual({ target: "passwd" });
    expect(tree.readdir(etc.id, 0n, 100)).toMatchObject({ end: true });
    expect(tree.read(passwd.id, 8, 10)).toMatchObject({ length: 0, end: true });
    age();
    expect(tree.attributes(passwd.id)).toBe(passwd);
    expect(tree.lookup(etc.id, "none")).toBe("not-found");
    // That it was read changed its time, once.
    const page = await tree.readdir(etc.id, 0n, 100);
    age();
    expect(await tree.readdir(etc.id, 0n, 100)).toBe(page);
    clock.advance(302_000);
    expect(tree.attributes(passwd.id)).toBe(passwd);
    expect(tree.lookup(etc.id, "none")).toBe("not-found");
  });

  test("what was never asked needs none either, but for directories whose listing is long", async () => {
    await symlink("passwd", join(path, "etc/link"));
    await mkdir(join(path, "etc/many"));
    for (let at = 0; at < 3000; at += 1) {
      await writeFile(join(path, "etc/many", `${at}`.padStart(40, "-")), "");
    }
    const { id } = tree.lookup(tree.root, "etc") as Attributes;
    const page = tree.readdir(id, 0n, 100) as DirectoryPage;
    expect(page.entries.map(({ name }) => name).sort()).toEqual([
      ...[".", "..", "init.d", "link", "many", "passwd"],
    ]);
    const linked = tree.lookup(id, "link") as Attributes;
    expect(tree.readlink(linked.id)).toEqual({ target: "passwd" });
    const many = tree.lookup(id, "many") as Attributes;
    expect(tree.readdir(many.id, 0n, 10_000)).toBeInstanceOf(Promise);
    expect(await namesIn(many.id)).toHaveLength(3002);
  });

  test("a slow disk is not waited for again, though what was asked lately is answered at once", async () => {
    const slow = new SlowClock();
    await using own = await openDirectory(path, { clock: slow, cache });
    const etc = await find("etc", own);
    slow.stepMs = 40;
    for (const name of ["a", "b", "c"]) expect(own.lookup(etc.id, name)).toBe("not-found");
    slow.stepMs = 0;
    expect(own.lookup(etc.id, "passwd")).toBeInstanceOf(Promise);
    expect(own.readdir(etc.id, 0n, 100)).toBeInstanceOf(Promise);
    slow.advance(1001);
    expect(own.attributes(etc.id)).toMatchObject({ id: etc.id });
    slow.advance(1001);
    expect(own.readdir(etc.id, 0n, 100)).toMatchObject({ end: true });
  });

  test("a disk that was slow is not waited for: others are answered meanwhile", async () => {
    const slow = new SlowClock();
    await using own = await openDirectory(path, { clock: slow, cache });
    const { id } = await find("etc/passwd", own);
    slow.advance(1001);
    // Its two directories and itself are asked about one after another.
    slow.stepMs = 40;
    expect(own.attributes(id)).toMatchObject({ id });
    slow.stepMs = 0;
    slow.advance(1001);
    const later = own.attributes(id);
    expect(later).toBeInstanceOf(Promise);
    expect(await later).toMatchObject({ id });
    slow.advance(2001);
    expect(own.attributes(id)).toMatchObject({ id });
  });

  test("a directory above that went is missed at once", async () => {
    const { id } = await find("etc/passwd");
    await rename(join(path, "etc"), join(path, "..", `${basename(path)}-gone`));
    await symlink(join(path, "..", `${basename(path)}-gone`), join(path, "etc"));
    age();
    expect(await resting(tree.attributes(id))).toBe("stale");
    await rm(join(path, "..", `${basename(path)}-gone`), { recursive: true });
  });

  test("those who ask the same at once share one answer", async () => {
    const slow = new SlowClock();
    await using own = await openDirectory(path, { clock: slow, cache });
    const { id } = await find("etc", own);
    slow.stepMs = 40;
    for (const name of ["a", "b", "c"]) await own.lookup(id, name);
    slow.stepMs = 0;
    const [first, second] = [own.lookup(id, "passwd"), own.lookup(id, "passwd")];
    expect(first).toBeInstanceOf(Promise);
    expect(second).toBe(first);
    expect(await first).toMatchObject({ type: "file" });
  });

  test("changes, additions and removals are seen after it", async () => {
    const etc = await find("etc");
    const passwd = await find("etc/passwd");
    await tree.lookup(etc.id, "new");
    expect(await namesIn(etc.id)).toHaveLength(4);
    await writeFile(join(path, "etc/passwd"), "root:x:0 and more");
    await writeFile(join(path, "etc/new"), "new");
    await rm(join(path, "etc/init.d"), { recursive: true });
    age();
    expect(good(await tree.attributes(passwd.id)).size).toBe(17);
    expect(await tree.lookup(etc.id, "new")).toMatchObject({ size: 3 });
    expect(await tree.lookup(etc.id, "init.d")).toBe("not-found");
    expect((await namesIn(etc.id)).sort()).toEqual([".", "..", "new", "passwd"]);
  });

  test("a page is full though names of it were just deleted", async () => {
    for (let at = 0; at < 300; at += 1) await writeFile(join(path, "etc/init.d", `s${at}`), "");
    const { id } = await find("etc/init.d");
    const first = good(await tree.readdir(id, 0n, 100));
    const all = good(await tree.readdir(id, 0n, 1000)).entries.map(({ name }) => name);
    age();
    await tree.readdir(id, 0n, 100);
    for (const name of all.slice(110, 130)) await rm(join(path, "etc/init.d", name));
    const second = good(await tree.readdir(id, first.entries.at(-1)?.cookie ?? 0n, 100));
    expect(second.entries.length).toBeGreaterThanOrEqual(80);
    age();
    const again = good(await tree.readdir(id, first.entries.at(-1)?.cookie ?? 0n, 100));
    expect(again.entries).toHaveLength(100);
  });

  test("a directory whose time did not change is not listed again; one that just changed is", async () => {
    const etc = await find("etc");
    await namesIn(etc.id);
    // Added, but as if within the same tick of the file system's clock.
    const { atime, mtime } = await lstat(join(path, "etc"));
    await writeFile(join(path, "etc/added"), "");
    await utimes(join(path, "etc"), atime, mtime);
    age();
    expect(await namesIn(etc.id)).toContain("added");
  });
});

describe("ids outlive", () => {
  test("a restart: a tree opened anew finds what it never saw", async () => {
    const ssh = await find("etc/init.d/ssh");
    const etc = await find("etc");
    await using again = await openDirectory(path, { clock, cache });
    expect(again.root).toBe(tree.root);
    expect(again.identity).toBe(tree.identity);
    expect(await again.attributes(ssh.id)).toEqual(ssh);
    expect(Buffer.concat(good(await again.read(ssh.id, 0, 100)).parts).toString()).toBe("start");
    expect(await again.lookup(etc.id, "passwd")).toMatchObject({ size: 8 });
  });

  test("a restart: many that ask at once wait for one search", async () => {
    const ids = await Promise.all(
      ["etc", "etc/passwd", "etc/init.d", "etc/init.d/ssh"].map((name) => find(name)),
    );
    await using again = await openDirectory(path, { clock, cache });
    const answers = await Promise.all(ids.map(({ id }) => again.attributes(id)));
    expect(answers).toEqual(ids);
  });

  test("a rename of the file, and of a directory above it", async () => {
    const ssh = await find("etc/init.d/ssh");
    await rename(join(path, "etc/init.d/ssh"), join(path, "etc/init.d/sshd"));
    age();
    expect(await text(ssh.id)).toBe("start");
    await rename(join(path, "etc"), join(path, "config"));
    age();
    expect(await resting(tree.attributes(ssh.id))).toMatchObject({ id: ssh.id, size: 5 });
    expect(await text(ssh.id)).toBe("start");
    expect((await find("config/init.d/sshd")).id).toBe(ssh.id);
  });

  test("a rename within the second: a name is looked up where the directory is now", async () => {
    const init = await find("etc/init.d");
    await rename(join(path, "etc"), join(path, "config"));
    await writeFile(join(path, "config/init.d/cron"), "cron");
    expect(await resting(tree.lookup(init.id, "cron"))).toMatchObject({ size: 4 });
    expect(await resting(tree.readdir(init.id, 0n, 10))).toMatchObject({ end: true });
  });

  test("a hard link's first name", async () => {
    const passwd = await find("etc/passwd");
    await link(join(path, "etc/passwd"), join(path, "second"));
    await unlink(join(path, "etc/passwd"));
    age();
    expect(await resting(tree.attributes(passwd.id))).toMatchObject({ id: passwd.id, size: 8 });
  });

  test("directories that changed places do not lead in circles", async () => {
    await mkdir(join(path, "a/b"), { recursive: true });
    await writeFile(join(path, "a/b/file"), "deep");
    const file = await find("a/b/file");
    const a = await find("a");
    await rename(join(path, "a/b"), join(path, "b"));
    await rename(join(path, "a"), join(path, "b/a"));
    age();
    expect(await text(file.id)).toBe("deep");
    expect(await resting(tree.attributes(a.id))).toMatchObject({ type: "directory" });
    expect(await resting(tree.lookup(a.id, ".."))).toMatchObject({ id: (await find("b")).id });
  });
});

describe("ids end", () => {
  test("with their file: stale", async () => {
    const passwd = await find("etc/passwd");
    await text(passwd.id);
    await unlink(join(path, "etc/passwd"));
    age();
    expect(await resting(tree.attributes(passwd.id))).toBe("stale");
    expect(await text(passwd.id)).toBe("stale");
    expect(await resting(tree.attributes(12_345_678_901n as FileId))).toBe("stale");
  });

  test("an inode used again has another generation", async () => {
    const old = await find("etc/passwd");
    await unlink(join(path, "etc/passwd"));
    let reused: Attributes | undefined;
    for (let at = 0; at < 64 && reused === undefined; at += 1) {
      await writeFile(join(path, `new-${at}`), "new");
      const stats = await lstat(join(path, `new-${at}`), { bigint: true });
      age();
      if (stats.ino === old.id) reused = await find(`new-${at}`);
    }
    // Some file systems (tmpfs) count on and never use a number again.
    if (reused !== undefined) expect(reused.generation).not.toBe(old.generation);
    else expect(await resting(tree.attributes(old.id))).toBe("stale");
  });

  test("with the root: all are stale when another directory is in its place", async () => {
    const passwd = await find("etc/passwd");
    const kept = `${path}.old`;
    await rename(path, kept);
    cleanup.defer(() => rm(kept, { recursive: true }));
    await mkdir(path);
    await writeFile(join(path, "passwd"), "other");
    age();
    expect(await tree.attributes(tree.root)).toBe("stale");
    expect(await resting(tree.attributes(passwd.id))).toBe("stale");
    expect(await tree.lookup(tree.root, "passwd")).toBe("stale");
    await using other = await openDirectory(path, { clock, cache });
    expect(other.identity).not.toBe(tree.identity);
  });
});

describe("nothing outside of the root is ever reached", () => {
  test("a directory replaced by a symbolic link, even within the second", async () => {
    const outside = await temporaryDirectory(cleanup);
    await mkdir(join(outside, "init.d"));
    await writeFile(join(outside, "shadow"), "secret");
    await writeFile(join(outside, "init.d/shadow"), "secret");
    const etc = await find("etc");
    const init = await find("etc/init.d");
    await rename(join(path, "etc"), join(path, "etc.old"));
    await symlink(outside, join(path, "etc"));
    expect(await resting(tree.lookup(etc.id, "shadow"))).toBe("not-found");
    expect(await resting(tree.lookup(init.id, "shadow"))).toBe("not-found");
    expect(await tree.lookup(etc.id, "passwd")).toMatchObject({ size: 8 });
    const linked = good(await resting(tree.lookup(tree.root, "etc")));
    expect(linked.type).toBe("symlink");
    expect(await tree.lookup(linked.id, "shadow")).toBe("not-directory");
    expect(await tree.readdir(linked.id, 0n, 10)).toBe("not-directory");
  });

  test("a directory moved out of the tree with a link left behind", async () => {
    const outside = await temporaryDirectory(cleanup);
    const init = await find("etc/init.d");
    await rename(join(path, "etc"), join(outside, "etc"));
    await symlink(join(outside, "etc"), join(path, "etc"));
    age();
    expect(await resting(tree.lookup(init.id, "ssh"))).toBe("stale");
  });

  test("names that would be paths", async () => {
    for (const name of ["etc/passwd", "/etc", "", "a\0b", "../etc"]) {
      expect(await tree.lookup(tree.root, name)).toBe("not-found");
    }
    // As bytes they would be `etc/passwd`, `..` and `etc`.
    for (const name of ["etc\u012fpasswd", "\u012e\u012e", "\u0165tc"]) {
      expect(await tree.lookup(tree.root, name)).toBe("not-found");
    }
    expect(await tree.lookup(tree.root, "..")).toMatchObject({ id: tree.root });
  });

  test("a directory moved out of the tree, by one name after another below it", async () => {
    const outside = await temporaryDirectory(cleanup);
    const names = ["a", "b", "c", "d", "e"];
    await mkdir(join(path, ...names), { recursive: true });
    let here = await find("a/b");
    await rename(join(path, "a"), join(outside, "a"));
    await symlink(join(outside, "a"), join(path, "a"));
    await writeFile(join(outside, ...names, "secret"), "outside");
    const answers: string[] = [];
    for (const name of ["c", "d", "e", "secret"]) {
      clock.advance(990);
      const found = await resting(tree.lookup(here.id, name));
      answers.push(typeof found === "string" ? found : "found");
      if (typeof found !== "string") here = found;
    }
    // What was asked about within the second before may still be believed.
    expect(answers.slice(1)).toEqual(["stale", "stale", "stale"]);
  });

  test("a directory moved within the tree, with a link left behind, is found at once", async () => {
    await mkdir(join(path, "usr"));
    const { id } = await find("etc/init.d");
    await rename(join(path, "etc"), join(path, "usr/etc"));
    await symlink("usr/etc", join(path, "etc"));
    for (let round = 0; round < 3; round += 1) {
      const page = await resting(tree.readdir(id, 0n, 100));
      expect(page).toMatchObject({ end: true });
      age();
    }
  });

  test("nothing is asked below a symbolic link", async () => {
    await symlink("/proc/self", join(path, "link"));
    const { id } = await find("link");
    for (let round = 0; round < 2; round += 1) {
      expect(await tree.lookup(id, "status")).toBe("not-directory");
      expect(await tree.readdir(id, 0n, 10)).toBe("not-directory");
      age();
    }
  });

  test("a symbolic link is told, not followed", async () => {
    await symlink("/etc/passwd", join(path, "link"));
    const found = await find("link");
    expect(found).toMatchObject({ type: "symlink", size: 11 });
    expect(await tree.readlink(found.id)).toEqual({ target: "/etc/passwd" });
    expect(await tree.read(found.id, 0, 10)).toBe("not-file");
    await unlink(join(path, "link"));
    await symlink("/etc/group", join(path, "link"));
    age();
    expect(await tree.readlink((await find("link")).id)).toEqual({ target: "/etc/group" });
  });

  test("FIFOs are not opened", async () => {
    execFileSync("mkfifo", [join(path, "fifo")]);
    const { id, type } = await find("fifo");
    expect(type).toBe("fifo");
    expect(await tree.read(id, 0, 10)).toBe("not-file");
  });
});

describe("files that change while they are read", () => {
  test("replaced by a rename: each id has its own content, whole", async () => {
    const sizes = 100_000;
    const version = (at: number) => Buffer.alloc(sizes, at);
    await writeFile(join(path, "file"), version(0));
    const state = { isDone: false };
    const writer = (async () => {
      for (let at = 1; !state.isDone; at += 1) {
        await writeFile(join(path, "next"), version(at & 255));
        await rename(join(path, "next"), join(path, "file"));
        age();
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    let whole = 0;
    for (let tries = 0; tries < 200 && whole < 20; tries += 1) {
      const { id } = await find("file");
      const bytes = Buffer.alloc(sizes);
      let offset = 0;
      while (offset < sizes) {
        const slice = await resting(tree.read(id, offset, 30_000));
        if (typeof slice === "string") {
          expect(slice).toBe("stale");
          break;
        }
        bytes.set(Buffer.concat(slice.parts), offset);
        offset += slice.length;
      }
      if (offset < sizes) continue;
      whole += 1;
      expect(new Set(bytes).size).toBe(1);
    }
    state.isDone = true;
    await writer;
    expect(whole).toBe(20);
  });

  test("long unchanged: cached; then written in place: nothing of before once that was seen", async () => {
    const size = 400_000;
    await writeFile(join(path, "log"), Buffer.alloc(size, 1));
    // As if it had been written long ago.
    const later = new VirtualClock(Date.now() + 60_000);
    await using own = await openDirectory(path, { clock: later, cache });
    const { id } = await find("log", own);
    const byteAt = async (offset: number) =>
      Buffer.concat(good(await own.read(id, offset, 10)).parts)[0];
    expect(await byteAt(0)).toBe(1);
    expect(own.read(id, 100, 10)).not.toBeInstanceOf(Promise);
    await writeFile(join(path, "log"), Buffer.alloc(size, 2));
    expect(await byteAt(0)).toBe(1);
    // This part was not cached; on disk it is found to be of another version, and so is the rest from now on.
    expect(await byteAt(300_000)).toBe(2);
    expect(await byteAt(0)).toBe(2);
    expect(await byteAt(size - 1)).toBe(2);
  });

  test("changed just now: never from the cache, as the next change may bear the same time", async () => {
    const now = new VirtualClock(Date.now());
    await using own = await openDirectory(path, { clock: now, cache });
    await writeFile(join(path, "log"), "first");
    const { id } = await find("log", own);
    expect(Buffer.concat(good(await own.read(id, 0, 10)).parts).toString()).toBe("first");
    await writeFile(join(path, "log"), "other");
    expect(Buffer.concat(good(await own.read(id, 0, 10)).parts).toString()).toBe("other");
  });

  test("shrunk: what is there is answered, and the end", async () => {
    const { id } = await find("etc/passwd");
    await writeFile(join(path, "etc/passwd"), "ro");
    expect(await tree.read(id, 0, 8)).toMatchObject({ end: true, parts: [Buffer.from("ro")] });
  });
});

describe("directories", () => {
  test("names that are no valid UTF-8 pass as bytes", async () => {
    const name = "caf\xe9 \xff\xfe";
    await writeFile(Buffer.from(`${path}/${name}`, "latin1"), "bytes");
    const { id } = good(await tree.lookup(tree.root, name));
    expect(await text(id)).toBe("bytes");
    expect(await namesIn(tree.root)).toContain(name);
    await writeFile(join(path, "büro"), "utf-8");
    age();
    expect(await namesIn(tree.root)).toContain(Buffer.from("büro").toString("latin1"));
  });

  test("twenty thousand entries, page by page", async () => {
    await mkdir(join(path, "large"));
    const names = Array.from({ length: 20_000 }, (_, at) => `entry-${at}`);
    execFileSync("xargs", ["touch"], { cwd: join(path, "large"), input: names.join("\n") });
    const { id } = await find("large");
    const found = await namesIn(id, 4000);
    expect(found.slice(0, 2)).toEqual([".", ".."]);
    expect(found.slice(2).sort().join("\n")).toBe(names.sort().join("\n"));
  });

  test("entries removed and added between pages: those that stayed come once", async () => {
    const { id } = await find("etc/init.d");
    const file = (at: number) => join(path, `etc/init.d/s${at}`);
    for (let at = 0; at < 100; at += 1) await writeFile(file(at), "");
    const found: string[] = [];
    let at = 0;
    for (let cookie = 0n; ; ) {
      const page = good(await tree.readdir(id, cookie, 7));
      found.push(...page.entries.map(({ name }) => name));
      if (page.end) break;
      cookie = page.entries.at(-1)?.cookie ?? 0n;
      await unlink(file(at));
      await writeFile(join(path, `etc/init.d/added-${at}`), "");
      at += 1;
      age();
    }
    expect(new Set(found).size).toBe(found.length);
    for (let stayed = at; stayed < 100; stayed += 1) expect(found).toContain(`s${stayed}`);
  });

  test("a cookie goes on in a tree opened anew", async () => {
    const { id } = await find("etc/init.d");
    for (let at = 0; at < 20; at += 1) await writeFile(join(path, `etc/init.d/s${at}`), "");
    age();
    const first = good(await tree.readdir(id, 0n, 9));
    await using again = await openDirectory(path, { clock, cache });
    const rest = good(await again.readdir(id, first.entries.at(-1)?.cookie ?? 0n, 100));
    const names = [...first.entries, ...rest.entries].map(({ name }) => name);
    expect(new Set(names).size).toBe(23);
    expect(names).toHaveLength(23);
  });

  test("a page of entries that all went is not the end", async () => {
    const { id } = await find("etc/init.d");
    for (let at = 0; at < 30; at += 1) await writeFile(join(path, `etc/init.d/s${at}`), "");
    const page = good(await tree.readdir(id, 0n, 2));
    const rest = (await namesIn(id)).slice(2);
    for (const name of rest.slice(0, 20)) await unlink(join(path, `etc/init.d/${name}`));
    age();
    const next = good(await tree.readdir(id, page.entries.at(-1)?.cookie ?? 0n, 5));
    expect(next.entries.length).toBeGreaterThan(0);
  });
});

describe("what is mounted below the root", () => {
  const lacking = lackingOf("root", "unshare");
  const program = fileURLToPath(new URL("mounted.ts", import.meta.url));

  test.skipIf(lacking)(
    title("a file system shows as an empty directory, a file as itself", lacking),
    async () => {
      await mkdir(join(path, "proc"));
      await writeFile(join(path, "etc/resolv.conf"), "");
      const script = [
        'mount -t tmpfs none "$1/proc"',
        'echo hidden > "$1/proc/hidden"',
        'echo nameserver > "$1/proc/file"',
        'mount --bind "$1/proc/file" "$1/etc/resolv.conf"',
        'exec "$2" "$3" "$1"',
      ].join(" && ");
      const shell = ["sh", "-c", script, "sh", path, process.execPath, program];
      const output = execFileSync("unshare", ["--mount", ...shell], { encoding: "utf8" });
      expect(JSON.parse(output)).toEqual({
        proc: { type: "directory", mode: 0o555, size: 4096 },
        names: [".", ".."],
        hidden: "not-found",
        parentIsRoot: true,
        isSameAfterRestart: true,
        resolv: "nameserver\n",
      });
    },
  );
});

describe("a root that cannot be served", () => {
  test("is one line that says what to do", async () => {
    const message = async (of: string) => {
      const error = await openDirectory(of, { clock, cache }).catch((problem: unknown) => problem);
      expect(error).toBeInstanceOf(UserError);
      return error instanceof UserError ? error.message : "";
    };
    const none = join(path, "none");
    expect(await message(none)).toBe(
      `the tree ${none} does not exist: build it, or mend its path in the configuration`,
    );
    const file = join(path, "etc/passwd");
    expect(await message(file)).toBe(`the tree ${file} is not a directory`);
    expect(await message(join(file, "x"))).toMatch(/is not a directory$/);
  });

  test("a symbolic link to a directory is followed once, at the start", async () => {
    const link = `${path}.link`;
    await symlink(path, link);
    cleanup.defer(() => unlink(link));
    await using linked = await openDirectory(link, { clock, cache });
    expect(linked.root).toBe(tree.root);
    expect(await find("etc/passwd", linked)).toMatchObject({ size: 8 });
  });
});

test("usage is the file system's", async () => {
  const usage = good(await tree.usage());
  expect(usage.totalBytes).toBeGreaterThan(0);
  expect(usage.freeBytes).toBeGreaterThanOrEqual(usage.availableBytes);
  await rm(path, { recursive: true });
  expect(await tree.usage()).toBe("not-found");
});
