import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { lackingOf, title } from "../needs.ts";
import { bytesOf, type Items, randomItems, statOf, writeItems } from "../tree/random-tree.ts";
import { Client, type Found, serve, temporaryDirectory } from "./served.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
const base = await temporaryDirectory(cleanup);

/** A tree on disk, served, for as long as `check` runs. */
async function withTree(
  entries: Items,
  check: (path: string, port: number) => Promise<void>,
): Promise<void> {
  const path = `${base}/tree`;
  mkdirSync(path, { mode: 0o755 });
  try {
    writeItems(path, entries, `${base}/fifo`);
    await using server = await serve(path);
    await check(path, server.port);
  } finally {
    rmSync(path, { recursive: true });
  }
}

const types: Record<number, (path: string) => unknown> = {
  1: (path) => sha256(readFileSync(bytesOf(path))),
  2: (path) => readdirSync(bytesOf(path), { encoding: "latin1" }).sort(),
  5: (path) => readlinkSync(bytesOf(path), { encoding: "latin1" }),
  7: () => "fifo",
};

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Compares everything below a directory, entry by entry. */
async function compare(client: Client, path: string, handle: Uint8Array): Promise<number> {
  let compared = 0;
  const entries = await client.list(handle, 700);
  const names = entries.map(({ name }) => name).filter((name) => name !== "." && name !== "..");
  expect(names.sort()).toEqual(types[2]?.(path));
  for (const name of names) {
    const place = `${path}/${name}`;
    const found = await client.lookup(handle, name);
    if (typeof found === "number") throw new Error(`${name}: ${found}`);
    expect(found.attributes).toMatchObject(statOf(place));
    expect(await contentOf(client, found)).toEqual(types[found.attributes.type]?.(place));
    compared += 1;
    if (found.attributes.type === 2) compared += await compare(client, place, found.handle);
  }
  return compared;
}

async function contentOf(client: Client, { handle, attributes }: Found): Promise<unknown> {
  switch (attributes.type) {
    case 1:
      return sha256(await client.readAll(handle, 50_000));
    case 2: {
      const names = (await client.list(handle)).map(({ name }) => name);
      return names.filter((name) => name !== "." && name !== "..").sort();
    }
    case 5:
      return client.readlink(handle);
    default:
      return "fifo";
  }
}

describe("a tree read back over NFS equals the directory", () => {
  test("any tree: names of any bytes, modes, owners, sizes, times, contents, links", async () => {
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(randomItems, (entries) =>
        withTree(entries, async (path, port) => {
          await using client = await Client.connect(port);
          compared += await compare(client, path, await client.root());
        }),
      ),
      { numRuns: 40 },
    );
    expect(compared).toBeGreaterThan(100);
  });

  test("hard links are one file", async () => {
    const file = { kind: "file", content: Buffer.from("shared"), mode: 0o644 } as const;
    const entries: Items = [
      { name: "a", item: file },
      { name: "b", item: { kind: "hard link" } },
    ];
    await withTree(entries, async (_, port) => {
      await using client = await Client.connect(port);
      const a = await client.find("a");
      const b = await client.find("b");
      expect(b.handle).toEqual(a.handle);
      expect(b.attributes.nlink).toBe(2);
    });
  });
});

const run = promisify(execFile);
const lacking = lackingOf("nfs-ls", "nfs-cat", "nfs-cp");

describe("libnfs", () => {
  const url = (port: number, path = "") =>
    `nfs://127.0.0.1/srv/nfsroot/test${path}?nfsport=${port}&mountport=${port}&version=3`;
  const isPlain = (text: string) => /^[\w.-]+$/.test(text);
  const plain = (entries: Items): Items =>
    entries.flatMap(({ name, item }, at) => {
      const named = isPlain(name) ? name : `entry-${at}-${name.length}`;
      const below = item.kind === "directory" ? { ...item, items: plain(item.items) } : item;
      return [{ name: named, item: below }];
    });

  test.skipIf(lacking)(
    title("nfs-ls -R, nfs-cat and nfs-cp see what is on disk", lacking),
    async () => {
      await fc.assert(
        fc.asyncProperty(randomItems.map(plain), (entries) =>
          withTree(entries, async (path, port) => {
            const { stdout } = await run("nfs-ls", ["-R", url(port)]);
            const expected = listed(path, "");
            expect(stdout.split("\n").filter(Boolean).map(parseLine).sort()).toEqual(
              expected.map(({ line }) => line).sort(),
            );
            for (const { below } of expected.filter(({ isFile }) => isFile).slice(0, 4)) {
              const cat = await run("nfs-cat", [url(port, below)], { encoding: "buffer" });
              expect(sha256(cat.stdout)).toBe(sha256(readFileSync(path + below)));
              const copy = `${base}/copy`;
              rmSync(copy, { force: true });
              await run("nfs-cp", [url(port, below), copy]);
              expect(sha256(readFileSync(copy))).toBe(sha256(cat.stdout));
            }
          }),
        ),
        { numRuns: 12 },
      );
    },
  );

  /** Mode (nothing for a FIFO's type), links, uid, gid, size, path. */
  function parseLine(line: string): string {
    const [mode, links, uid, gid, size, ...name] = line.trim().split(/\s+/);
    return [mode, links, uid, gid, size, ...name].join(" ");
  }

  function listed(root: string, below: string): { line: string; below: string; isFile: boolean }[] {
    return readdirSync(root + below, { withFileTypes: true }).flatMap((entry) => {
      const path = `${below}/${entry.name}`;
      const { mode, nlink, uid, gid, size } = statOf(root + path);
      const kind = entry.isDirectory()
        ? "d"
        : entry.isSymbolicLink()
          ? "l"
          : entry.isFIFO()
            ? ""
            : "-";
      const bits = [6, 3, 0].map((shift) => {
        const three = (mode >> shift) & 7;
        return (three & 4 ? "r" : "-") + (three & 2 ? "w" : "-") + (three & 1 ? "x" : "-");
      });
      const line = [kind + bits.join(""), nlink, uid, gid, size, path.slice(1)].join(" ");
      const deeper = entry.isDirectory() ? listed(root, path) : [];
      return [{ line, below: path, isFile: entry.isFile() }, ...deeper];
    });
  }
});
