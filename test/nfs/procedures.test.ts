import { execFileSync } from "node:child_process";
import { chmod, chown, lstat, mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { Out } from "./client.ts";
import { type Fattr3, postOp, wcc } from "./results.ts";
import { Client, type Served, serve, temporaryDirectory } from "./served.ts";

const lacking = lackingOf("root");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let path: string;
let server: Served;
let client: Client;

beforeAll(async () => {
  path = await temporaryDirectory(cleanup);
  await chmod(path, 0o755);
  await mkdir(join(path, "dir"));
  await writeFile(join(path, "file"), "0123456789");
  await writeFile(join(path, "secret"), "root only");
  await writeFile(join(path, "tool"), "#!/bin/sh\n");
  await chmod(join(path, "secret"), 0o600);
  await chmod(join(path, "tool"), 0o711);
  await symlink("../target \xff", join(path, "link"));
  await mkdir(join(path, "closed"), { mode: 0o700 });
  await mkdir(join(path, "listed"), { mode: 0o744 });
  await mkdir(join(path, "many"));
  for (let at = 0; at < 150; at += 1) {
    await writeFile(join(path, "many", `entry-${"x".repeat(at % 23)}${at}`), "");
  }
  server = cleanup.use(await serve(path));
  client = cleanup.use(await Client.connect(server.port));
});

describe("RFC 1813 §3.3.3: LOOKUP", () => {
  test("a name, `.`, `..`; from the root `..` is the root", async () => {
    const root = await client.root();
    const dir = await client.find("dir");
    expect(await client.lookup(dir.handle, ".")).toMatchObject({ handle: dir.handle });
    expect(await client.lookup(dir.handle, "..")).toMatchObject({ handle: root });
    expect(await client.lookup(root, "..")).toMatchObject({ handle: root });
  });

  test("errors: NOENT, NOTDIR, NAMETOOLONG, ACCES for an empty name", async () => {
    const root = await client.root();
    const file = await client.find("file");
    expect(await client.lookup(root, "none")).toBe(2);
    expect(await client.lookup(root, "dir/file")).toBe(2);
    expect(await client.lookup(root, "file\0")).toBe(2);
    expect(await client.lookup(file.handle, "x")).toBe(20);
    expect(await client.lookup(root, "n".repeat(255))).toBe(2);
    expect(await client.lookup(root, "n".repeat(256))).toBe(63);
    expect(await client.lookup(root, "")).toBe(13);
  });

  test("who may not search the directory gets ACCES", async () => {
    const closed = await client.find("closed");
    const other = client.as({ uid: 1234, gid: 1234, gids: [] });
    expect(await other.lookup(closed.handle, "x")).toBe(13);
    expect(await client.lookup(closed.handle, "x")).toBe(2);
  });
});

describe("RFC 1813 §3.3.4: ACCESS on a read-only export", () => {
  const all = 0x3f;
  test.skipIf(lacking)(
    title("root reads all, and executes what anybody may", lacking),
    async () => {
      const of = async (name: string) => client.access((await client.find(name)).handle, all);
      expect(await of("dir")).toBe(0x03);
      expect(await of("closed")).toBe(0x03);
      expect(await of("secret")).toBe(0x01);
      expect(await of("tool")).toBe(0x21);
    },
  );

  test("others by mode bits: owner, group, rest", async () => {
    const stats = await lstat(join(path, "tool"));
    const owner = { uid: 4242, gid: 4242, gids: [] };
    const tool = (await client.find("tool")).handle;
    expect(await client.as(owner).access(tool, all)).toBe(0x20);
    const secret = (await client.find("secret")).handle;
    expect(await client.as(owner).access(secret, all)).toBe(0);
    const listed = (await client.find("listed")).handle;
    expect(await client.as(owner).access(listed, all)).toBe(0x01);
    const inGroup = { uid: 4242, gid: 1, gids: [7, stats.gid] };
    expect(await client.as(inGroup).access(secret, all)).toBe(0);
  });

  test("only what was asked is answered", async () => {
    const { handle } = await client.find("dir");
    expect(await client.access(handle, 0x1c)).toBe(0);
    expect(await client.access(handle, 0x02)).toBe(0x02);
  });

  test.skipIf(lacking)(
    title("a device may be written, as on any read-only file system", lacking),
    async () => {
      execFileSync("mknod", [join(path, "null"), "c", "1", "3"]);
      await chmod(join(path, "null"), 0o666);
      const found = await client.find("null");
      expect(found.attributes).toMatchObject({ type: 4, rdev: [1, 3] });
      expect(await client.access(found.handle, all)).toBe(0x0d);
    },
  );
});

describe("RFC 1813 §3.3.5: READLINK", () => {
  test("the target's bytes, unchanged; INVAL for anything else", async () => {
    const link = await client.find("link");
    expect(await client.readlink(link.handle)).toBe(
      Buffer.from("../target \xff", "utf8").toString("latin1"),
    );
    expect(await client.readlink((await client.find("file")).handle)).toBe(22);
  });
});

describe("RFC 1813 §3.3.6: READ", () => {
  test("any offset and count, eof exactly at the end", async () => {
    const { handle } = await client.find("file");
    const read = async (offset: bigint, count: number) => {
      const part = await client.read(handle, offset, count);
      if (typeof part === "number") throw new Error(`READ failed: ${part}`);
      return [part.data.toString(), part.eof];
    };
    expect(await read(0n, 4)).toEqual(["0123", false]);
    expect(await read(3n, 7)).toEqual(["3456789", true]);
    expect(await read(3n, 100)).toEqual(["3456789", true]);
    expect(await read(10n, 1)).toEqual(["", true]);
    expect(await read(99n, 1)).toEqual(["", true]);
    expect(await read(0n, 0)).toEqual(["", false]);
    expect(await read((1n << 64n) - 1n, 0xffff_ffff)).toEqual(["", true]);
    expect(await read(1n << 53n, 10)).toEqual(["", true]);
  });

  test("INVAL for what is no file; no device or FIFO is ever opened", async () => {
    execFileSync("mkfifo", [join(path, "fifo")]);
    expect(await client.read((await client.find("dir")).handle, 0n, 1)).toBe(22);
    expect(await client.read((await client.find("link")).handle, 0n, 1)).toBe(22);
    expect(await client.read((await client.find("fifo")).handle, 0n, 1)).toBe(22);
  });

  test("who may not read gets ACCES; who may execute may load; the owner always may", async () => {
    const secret = await client.find("secret");
    const tool = await client.find("tool");
    const other = client.as({ uid: 1234, gid: 1234, gids: [] });
    expect(await other.read(secret.handle, 0n, 9)).toBe(13);
    expect(await other.read(tool.handle, 0n, 2)).toMatchObject({ data: Buffer.from("#!") });
    await writeFile(join(path, "own"), "mine");
    await chmod(join(path, "own"), 0o400);
    const own = await client.find("own");
    const owner = client.as({ uid: own.attributes.uid, gid: 1, gids: [] });
    expect(await owner.read(own.handle, 0n, 9)).toMatchObject({ data: Buffer.from("mine") });
  });

  test("files beyond 4 GiB", async () => {
    const size = 5 * 2 ** 30;
    await writeFile(join(path, "large"), "");
    await truncate(join(path, "large"), size);
    const { handle, attributes } = await client.find("large");
    expect(attributes.size).toBe(BigInt(size));
    const part = await client.read(handle, BigInt(size) - 5000n, 10_000);
    expect(part).toMatchObject({ eof: true, data: Buffer.alloc(5000) });
  });

  test("lengths that need padding, above and below what is copied", async () => {
    for (const size of [1, 2, 3, 4095, 4096, 4097, 4098, 4099, 70_001]) {
      const bytes = Buffer.from(Array.from({ length: size }, (_, at) => (at * 7) & 255));
      await writeFile(join(path, `size-${size}`), bytes);
      const { handle } = await client.find(`size-${size}`);
      expect(await client.readAll(handle, 1 << 20)).toEqual(bytes);
    }
  });
});

describe("RFC 1813 §3.3.16, §3.3.17: READDIR and READDIRPLUS", () => {
  const namesIn = (entries: readonly { name: string }[]) => entries.map(({ name }) => name).sort();

  test("all entries, `.` and `..` among them, once each", async () => {
    const many = await client.find("many");
    const entries = await client.list(many.handle);
    expect(entries).toHaveLength(152);
    expect(new Set(namesIn(entries)).size).toBe(152);
    expect(entries.slice(0, 2).map(({ name }) => name)).toEqual([".", ".."]);
    for (const { name, attributes, handle, fileid } of entries) {
      const found = await client.lookup(many.handle, name);
      expect(found).toEqual({ handle, attributes });
      expect(attributes?.fileid).toBe(fileid);
    }
  });

  test("count bounds READDIR3resok to the byte, and no entry more would fit", async () => {
    const { handle } = await client.find("many");
    for (let count = 100; count < 1200; count += 7) {
      const args = new Out().opaque(handle).u64(0n).u64(0n).u32(count);
      const results = await client.nfs(16, args);
      const status = results.u32();
      if (status === 10_005) {
        expect(count).toBeLessThan(104 + 28);
        continue;
      }
      const page = await client.readdir(handle, 0n, count);
      if (typeof page === "number") throw new Error(`READDIR failed: ${page}`);
      const bytes = 104 + sum(page.entries.map(entryBytes));
      expect(bytes).toBeLessThanOrEqual(count);
      const next = await client.readdir(handle, page.entries.at(-1)?.cookie ?? 0n, 8192);
      if (typeof next === "number" || next.entries[0] === undefined) throw new Error("no next");
      expect(bytes + entryBytes(next.entries[0])).toBeGreaterThan(count);
    }
  });

  test("dircount and maxcount bound READDIRPLUS3resok to the byte", async () => {
    const { handle } = await client.find("many");
    const plus = 88 + 36;
    const check = async (dircount: number, maxcount: number) => {
      const page = await client.readdirplus(handle, 0n, dircount, maxcount);
      if (typeof page === "number") {
        expect(page).toBe(10_005);
        return expect(dircount < 28 || maxcount < 104 + 28 + plus).toBe(true);
      }
      const plain = sum(page.entries.map(entryBytes));
      const whole = 104 + plain + plus * page.entries.length;
      expect(plain).toBeLessThanOrEqual(dircount);
      expect(whole).toBeLessThanOrEqual(maxcount);
      const cookie = page.entries.at(-1)?.cookie ?? 0n;
      const next = await client.readdirplus(handle, cookie, 8192, 8192);
      if (typeof next === "number" || next.entries[0] === undefined) throw new Error("no next");
      const one = entryBytes(next.entries[0]);
      expect(plain + one > dircount || whole + one + plus > maxcount).toBe(true);
    };
    for (let bytes = 20; bytes < 400; bytes += 9) await check(bytes, 16_384);
    for (let bytes = 200; bytes < 2000; bytes += 37) await check(16_384, bytes);
  });

  test("an empty directory has two entries and ends; a file is NOTDIR; a strange cookie BAD_COOKIE", async () => {
    const dir = await client.find("dir");
    expect(namesIn(await client.list(dir.handle))).toEqual([".", ".."]);
    const { handle } = await client.find("file");
    expect(await client.readdir(handle, 0n, 4096)).toBe(20);
    expect(await client.readdir(dir.handle, 1n << 63n, 4096)).toBe(10_003);
  });

  test("who may not read the directory gets ACCES", async () => {
    const other = client.as({ uid: 1234, gid: 1234, gids: [] });
    const { handle } = await client.find("closed");
    expect(await other.readdir(handle, 0n, 4096)).toBe(13);
    expect(await other.readdirplus(handle, 0n, 4096, 4096)).toBe(13);
  });

  function entryBytes({ name }: { name: string }): number {
    return 4 + 8 + 4 + Math.ceil(name.length / 4) * 4 + 8;
  }

  function sum(numbers: readonly number[]): number {
    return numbers.reduce((a, b) => a + b, 0);
  }
});

describe("RFC 1813 §3.3.18 to §3.3.20: FSSTAT, FSINFO, PATHCONF", () => {
  test("what they tell", async () => {
    const handle = await client.root();
    const ask = async (procedure: number) => {
      const results = await client.nfs(procedure, new Out().opaque(handle));
      expect(results.u32()).toBe(0);
      expect(postOp(results)).toMatchObject({ type: 2 });
      return results;
    };
    const fsstat = await ask(18);
    const [total, free, available] = [fsstat.u64(), fsstat.u64(), fsstat.u64()];
    expect(total >= free && free >= available && available >= 0n && total > 0n).toBe(true);
    fsstat.fixed(24);
    expect(fsstat.u32()).toBe(0);
    fsstat.end();
    const fsinfo = await ask(19);
    const words = Array.from({ length: 7 }, () => fsinfo.u32());
    expect(words).toEqual([1 << 20, 131_072, 4096, 32_768, 32_768, 4096, 32_768]);
    expect(fsinfo.u64()).toBe(0x7fff_ffff_ffff_ffffn);
    expect([fsinfo.u32(), fsinfo.u32(), fsinfo.u32()]).toEqual([0, 1, 0x0b]);
    fsinfo.end();
    const pathconf = await ask(20);
    pathconf.u32();
    expect(Array.from({ length: 5 }, () => pathconf.u32())).toEqual([255, 1, 1, 0, 1]);
    pathconf.end();
  });
});

describe("RFC 1813 §2.6: what would modify gets ROFS and the attributes as they are", () => {
  const sattr = () =>
    new Out().u32(1).u32(0o644).u32(0).u32(0).u32(1).u64(7n).u32(1).u32(2).u64(5n);

  /** Arguments by procedure; the first handle is the file's or the directory's. */
  function cases(file: Buffer, dir: Buffer): [string, number, Out, "one" | "two" | "link"][] {
    const inDir = () => new Out().opaque(dir).opaque("new name");
    const raw = (out: Out) => out.bytes();
    return [
      ["SETATTR", 2, new Out().opaque(file).raw(raw(sattr())).u32(0), "one"],
      ["SETATTR with guard", 2, new Out().opaque(file).raw(raw(sattr())).u32(1).u64(1n), "one"],
      ["WRITE", 7, new Out().opaque(file).u64(0n).u32(5).u32(2).opaque("hello"), "one"],
      ["CREATE", 8, inDir().u32(0).raw(raw(sattr())), "one"],
      ["CREATE exclusive", 8, inDir().u32(2).u64(99n), "one"],
      ["MKDIR", 9, inDir().raw(raw(sattr())), "one"],
      ["SYMLINK", 10, inDir().raw(raw(sattr())).opaque("target"), "one"],
      ["MKNOD device", 11, inDir().u32(3).raw(raw(sattr())).u32(8).u32(0), "one"],
      ["MKNOD fifo", 11, inDir().u32(7).raw(raw(sattr())), "one"],
      ["MKNOD of a type that has none", 11, inDir().u32(1), "one"],
      ["REMOVE", 12, inDir(), "one"],
      ["RMDIR", 13, inDir(), "one"],
      ["RENAME", 14, inDir().opaque(dir).opaque("newer"), "two"],
      ["LINK", 15, new Out().opaque(file).opaque(dir).opaque("second"), "link"],
      ["COMMIT", 21, new Out().opaque(file).u64(0n).u32(0), "one"],
    ];
  }

  test("each of the twelve procedures, whatever it asks", async () => {
    const file = await client.find("file");
    const dir = await client.find("dir");
    for (const [name, procedure, args, form] of cases(file.handle, dir.handle)) {
      const results = await client.nfs(procedure, args);
      expect([name, results.u32()]).toEqual([name, 30]);
      if (form === "link") expect(postOp(results)).toEqual(file.attributes);
      const { before, after } = wcc(results);
      expect(before).toBe(false);
      const ofFile = [2, 7, 21].includes(procedure);
      expect(withoutTimes(after)).toEqual(withoutTimes((ofFile ? file : dir).attributes));
      if (form === "two")
        expect(withoutTimes(wcc(results).after)).toEqual(withoutTimes(dir.attributes));
      results.end();
    }
  });

  test("every truncation of their arguments is GARBAGE_ARGS", async () => {
    const file = await client.find("file");
    const dir = await client.find("dir");
    for (const [name, procedure, args] of cases(file.handle, dir.handle)) {
      const bytes = args.bytes();
      for (let length = 0; length < bytes.length; length += 4) {
        const head = { program: 100_003, version: 3, procedure };
        const reply = await client.rpc.call(head, bytes.subarray(0, length));
        expect([name, length, reply]).toMatchObject([name, length, { accepted: 4 }]);
      }
    }
  });

  test("values that no enumeration has are GARBAGE_ARGS", async () => {
    const { handle } = await client.find("dir");
    const call = (procedure: number, args: Out) =>
      client.rpc.call({ program: 100_003, version: 3, procedure }, args.bytes());
    const inDir = () => new Out().opaque(handle).opaque("n");
    expect(await call(8, inDir().u32(3).u64(0n))).toMatchObject({ accepted: 4 });
    expect(await call(11, inDir().u32(8))).toMatchObject({ accepted: 4 });
    const time = inDir().u32(0).u32(0).u32(0).u32(0).u32(3).u32(0);
    expect(await call(9, time)).toMatchObject({ accepted: 4 });
  });

  test("with a handle that is none, its own error and no attributes", async () => {
    const dir = await client.find("dir");
    const results = await client.nfs(
      14,
      new Out().opaque("?").opaque("a").opaque(dir.handle).opaque("b"),
    );
    expect(results.u32()).toBe(10_001);
    expect(wcc(results)).toEqual({ before: false, after: undefined });
    expect(wcc(results).after).toMatchObject({ type: 2 });
    results.end();
  });

  function withoutTimes(attributes: Fattr3 | undefined) {
    return { ...attributes, atime: 0, mtime: 0, ctime: 0 };
  }
});

describe("owners", () => {
  test.skipIf(lacking)(title("uid, gid, and mode with setuid as on disk", lacking), async () => {
    await writeFile(join(path, "owned"), "x");
    await chown(join(path, "owned"), 1000, 4_000_000_000);
    await chmod(join(path, "owned"), 0o6755);
    const { attributes } = await client.find("owned");
    expect(attributes).toMatchObject({ uid: 1000, gid: 4_000_000_000, mode: 0o6755, type: 1 });
  });
});
