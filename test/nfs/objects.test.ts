import { execFileSync } from "node:child_process";
import { linkSync, lstatSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import net from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { Client, type Served, serve, temporaryDirectory, until } from "./served.ts";

/** What a file system can hold, as clients see it: every type, any name, great sizes and numbers. */

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let path: string;
let server: Served;
let client: Client;

beforeAll(async () => {
  path = await temporaryDirectory(cleanup);
  server = cleanup.use(await serve(path));
  client = cleanup.use(await Client.connect(server.port));
});

/** By LOOKUP, and as READDIRPLUS lists it: both are to say the same. */
async function seen(directory: string, name: string) {
  const parent = await client.find(directory);
  const found = await client.lookup(parent.handle, name);
  if (typeof found === "number") throw new Error(`${name}: ${found}`);
  const listed = (await client.list(parent.handle)).find((entry) => entry.name === name);
  expect(listed).toMatchObject({ ...found, fileid: found.attributes.fileid });
  return found;
}

async function pageAfter(handle: Buffer, cookie: bigint, count: number) {
  const page = await client.readdir(handle, cookie, count);
  if (typeof page === "number") throw new Error(`READDIR failed: ${page}`);
  return page;
}

/** By as many READDIR as it takes. */
async function namesIn(handle: Buffer): Promise<string[]> {
  const names: string[] = [];
  for (let cookie = 0n; ; ) {
    const page = await pageAfter(handle, cookie, 32_768);
    names.push(...page.entries.map(({ name }) => name));
    if (page.eof) return names;
    cookie = page.entries.at(-1)?.cookie ?? 0n;
  }
}

describe("RFC 1813 §2.5: ftype3", () => {
  const lacking = lackingOf("root");
  test.skipIf(lacking !== undefined)(
    title("devices have their numbers, and nothing can be read of them", lacking),
    async () => {
      mkdirSync(join(path, "dev"));
      const devices = [
        ["sda1", "b", 8, 1],
        ["tty9", "c", 4, 9],
        ["nvme", "b", 259, 1_000_000],
        ["most", "c", 4095, 0xf_ffff],
      ] as const;
      for (const [name, kind, ...numbers] of devices) {
        execFileSync("mknod", [join(path, "dev", name), kind, ...numbers.map(String)]);
      }
      for (const [name, kind, major, minor] of devices) {
        const { handle, attributes } = await seen("dev", name);
        expect(attributes).toMatchObject({ type: kind === "b" ? 3 : 4, rdev: [major, minor] });
        expect(await client.read(handle, 0n, 1)).toBe(22);
        expect(await client.readlink(handle)).toBe(22);
        expect(await client.lookup(handle, "x")).toBe(20);
        expect(await client.readdir(handle, 0n, 1000)).toBe(20);
      }
    },
  );

  test("FIFOs and sockets", async () => {
    mkdirSync(join(path, "run"));
    execFileSync("mkfifo", [join(path, "run/fifo")]);
    const listener = net.createServer().listen(join(path, "run/socket"));
    cleanup.defer(() => void listener.close());
    for (const [name, type] of [
      ["fifo", 7],
      ["socket", 6],
    ] as const) {
      const { handle, attributes } = await seen("run", name);
      expect(attributes).toMatchObject({ type, rdev: [0, 0], size: 0n });
      expect(await client.read(handle, 0n, 1)).toBe(22);
    }
  });

  test("hard links are one file under any name", async () => {
    mkdirSync(join(path, "links"));
    mkdirSync(join(path, "links/below"));
    writeFileSync(join(path, "links/a"), "shared");
    linkSync(join(path, "links/a"), join(path, "links/b"));
    linkSync(join(path, "links/a"), join(path, "links/below/c"));
    const a = await seen("links", "a");
    const below = await client.find("links", "below", "c");
    for (const other of [await seen("links", "b"), below]) {
      expect(other.handle).toEqual(a.handle);
      expect(other.attributes).toEqual(a.attributes);
    }
    expect(a.attributes.nlink).toBe(3);
    expect(a.attributes.fileid).toBe(BigInt(lstatSync(join(path, "links/b")).ino));
  });
});

describe("names", () => {
  test("are bytes: what is no UTF-8 comes back as it is, and is found by nothing else", async () => {
    mkdirSync(join(path, "names"));
    const names = ["\xff", "\xc3", "\xc3\xa9", "\xed\xa0\x80", "\xfe\xff \n\\", "e\xcc\x81", "%C3"];
    for (const name of names) {
      writeFileSync(Buffer.from(`${path}/names/${name}`, "latin1"), name, "latin1");
    }
    for (const name of names) {
      const { handle } = await seen("names", name);
      expect((await client.readAll(handle)).toString("latin1")).toBe(name);
    }
    const { handle } = await client.find("names");
    // é composed, in Latin-1; U+FFFD, which bad UTF-8 turns into
    for (const name of ["\xe9", "\xef\xbf\xbd", "\xc3\xc3"]) {
      expect(await client.lookup(handle, name)).toBe(2);
    }
    expect((await namesIn(handle)).sort()).toEqual([".", "..", ...names].sort());
  });

  test("have up to 255 bytes, whatever the bytes are", async () => {
    mkdirSync(join(path, "long"));
    const bytes = ["n", "\xff", "\x01"];
    for (const byte of bytes) {
      writeFileSync(Buffer.from(`${path}/long/${byte.repeat(255)}`, "latin1"), "");
    }
    for (const byte of bytes) {
      expect((await seen("long", byte.repeat(255))).attributes.type).toBe(1);
      const { handle } = await client.find("long");
      expect(await client.lookup(handle, byte.repeat(254))).toBe(2);
      expect(await client.lookup(handle, byte.repeat(256))).toBe(63);
    }
  });
});

describe("great sizes", () => {
  test("what lies beyond 2 GiB, 4 GiB and 1 TiB is read from there", async () => {
    const places = [2 ** 31 - 2, 2 ** 32 - 2, 2 ** 32 + 4094, 2 ** 40 - 2];
    const file = openSync(join(path, "sparse"), "w");
    for (const place of places) writeSync(file, "here", place);
    const { handle, attributes } = await client.find("sparse");
    expect(attributes.size).toBe(2n ** 40n + 2n);
    expect(attributes.used).toBeLessThan(1n << 20n);
    for (const place of places) {
      const isLast = place === places.at(-1);
      const expected = Buffer.concat([
        Buffer.alloc(100),
        Buffer.from("here"),
        Buffer.alloc(isLast ? 0 : 100),
      ]);
      const part = await client.read(handle, BigInt(place - 100), 204);
      expect(part).toEqual({ data: expected, eof: isLast });
    }
  });

  test("a directory of 100,000 names: each once, by READDIR and READDIRPLUS", {
    timeout: 120_000,
  }, async () => {
    const directory = join(path, "many");
    mkdirSync(directory);
    const name = (at: number) => `entry ${at}`;
    // ext4 has 65,000 links of a file at most.
    for (let at = 0; at < 4; at += 1) writeFileSync(join(directory, name(at)), "");
    for (let at = 4; at < 100_000; at += 1) {
      linkSync(join(directory, name(at & 3)), join(directory, name(at)));
    }
    const { handle } = await client.find("many");
    const expected = [".", "..", ...Array.from({ length: 100_000 }, (_, at) => name(at))].sort();
    const [plain, plus] = await Promise.all([namesIn(handle), client.list(handle, 32_768)]);
    expect(plain.sort().join("\n")).toBe(expected.join("\n"));
    const names = plus.map((entry) => entry.name);
    expect(names.sort().join("\n")).toBe(expected.join("\n"));
    expect(new Set(plus.map(({ fileid }) => fileid)).size).toBe(6);
  });
});

describe("RFC 1813 §3.3.16: cookies", () => {
  test("stay good while a directory changes: what stayed comes once, also after a name that went", async () => {
    const directory = join(path, "changing");
    mkdirSync(directory);
    for (let at = 0; at < 100; at += 1) writeFileSync(join(directory, `old-${at}`), "");
    const { handle } = await client.find("changing");
    const first = (await pageAfter(handle, 0n, 1000)).entries;
    const last = first.at(-1);
    if (last === undefined) throw new Error("an empty page");
    execFileSync("rm", [join(directory, last.name)]);
    for (let at = 0; at < 100; at += 1) writeFileSync(join(directory, `new-${at}`), "");
    await until(async () => (await namesIn(handle)).length === 201);
    const rest = (await pageAfter(handle, last.cookie, 32_768)).entries;
    const names = [...first, ...rest].map((entry) => entry.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => name.startsWith("old-"))).toHaveLength(100);
  });

  test("that no entry can have are BAD_COOKIE", async () => {
    const { handle } = await client.find("changing");
    for (const cookie of [1n << 53n, 1n << 63n, (1n << 64n) - 1n]) {
      expect(await client.readdir(handle, cookie, 4096)).toBe(10_003);
      expect(await client.readdirplus(handle, cookie, 4096, 4096)).toBe(10_003);
    }
  });
});
