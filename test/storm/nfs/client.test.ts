import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { NfsCall, TraceFile } from "../../../src/storm/trace/trace.ts";
import { type Served, serve, temporaryDirectory, until } from "../../nfs/served.ts";
import { NfsNode } from "./room.ts";

const LONG = 300_000;

const files: readonly TraceFile[] = [
  { path: "", type: "directory", size: 0 },
  { path: "etc", type: "directory", size: 0 },
  { path: "etc/hostname", type: "file", size: 6 },
  { path: "etc/missing", type: "missing", size: 0 },
  { path: "etc/link", type: "link", size: 8 },
  { path: "usr/lib/long", type: "file", size: LONG },
];
const [ROOT, ETC, HOSTNAME, MISSING, LINK, LONG_FILE] = [0, 1, 2, 3, 4, 5] as const;

async function tree(stack: AsyncDisposableStack): Promise<string> {
  const directory = await temporaryDirectory(stack);
  await mkdir(join(directory, "etc"));
  await mkdir(join(directory, "usr/lib"), { recursive: true });
  await writeFile(join(directory, "etc/hostname"), "node1\n");
  await symlink("hostname", join(directory, "etc/link"));
  await writeFile(join(directory, "usr/lib/long"), Buffer.alloc(LONG, "0123456789"));
  return directory;
}

async function served(stack: AsyncDisposableStack): Promise<Served> {
  return stack.use(await serve(await tree(stack)));
}

const every: readonly NfsCall[] = [
  { op: "null", file: ROOT },
  { op: "fsinfo", file: ROOT },
  { op: "acl-null", file: ROOT },
  { op: "fsstat", file: ROOT },
  { op: "pathconf", file: ROOT },
  { op: "getattr", file: ROOT },
  { op: "access", file: ROOT, access: 31 },
  { op: "lookup", file: ETC },
  { op: "lookup", file: HOSTNAME },
  { op: "getattr", file: HOSTNAME },
  { op: "getacl", file: HOSTNAME },
  { op: "getacl", file: ETC },
  { op: "lookup", file: MISSING },
  { op: "lookup", file: LINK },
  { op: "readlink", file: LINK },
  { op: "read", file: HOSTNAME, offset: 0, count: 6 },
  { op: "readdir", file: ETC, continues: false, dircount: 4096, maxcount: 4096 },
  { op: "readdirplus", file: ETC, continues: false, dircount: 4096, maxcount: 4096 },
];

describe("a simulated node's NFS (RFC 1813)", () => {
  test("every call of a boot is answered, and nothing is complained of", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = await served(stack);
    using node = new NfsNode({ files, port });
    expect(await node.mount()).toBe(undefined);
    for (const call of every) expect(await node.call(call)).toBe(undefined);
    expect(node.told.complaints).toEqual([]);
    expect(node.told.differences).toEqual([]);
    expect(node.told.calls).toEqual([
      "MNT",
      "NULL",
      "FSINFO",
      "NFSACL NULL",
      "FSSTAT",
      "PATHCONF",
      "GETATTR",
      "ACCESS",
      "LOOKUP",
      "LOOKUP",
      "GETATTR",
      "GETACL",
      "GETACL",
      "LOOKUP",
      "LOOKUP",
      "READLINK",
      "READ",
      "READDIR",
      "READDIRPLUS",
    ]);
    expect(node.told.bytes).toBe(6);
    expect(node.client.added).toBe(0);
  });

  test("long READs come in pieces, and are what the file has", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = await served(stack);
    using node = new NfsNode({ files, port });
    await node.mount();
    const reads = [0, 131_072, 262_144].map((offset) =>
      node.call({ op: "read", file: LONG_FILE, offset, count: Math.min(131_072, LONG - offset) }),
    );
    expect(await Promise.all(reads)).toEqual([undefined, undefined, undefined]);
    expect(node.told.bytes).toBe(LONG);
    expect(node.told.complaints).toEqual([]);
    expect(node.client.added).toBeGreaterThanOrEqual(3);
  });

  test("handles that no reply told are looked up on the way, once", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = await served(stack);
    using node = new NfsNode({ files, port });
    await node.mount();
    await node.call({ op: "getattr", file: LONG_FILE });
    await node.call({ op: "lookup", file: LONG_FILE });
    await node.call({ op: "getattr", file: LONG_FILE });
    const calls = ["MNT", "LOOKUP", "LOOKUP", "LOOKUP", "GETATTR", "LOOKUP", "GETATTR"];
    expect(node.told.calls).toEqual(calls);
    expect(node.client.added).toBe(3);
    expect(node.told.complaints).toEqual([]);
  });

  test("READDIRPLUS goes on where it ended, tells handles, and does not go beyond the end", async () => {
    await using stack = new AsyncDisposableStack();
    const directory = await tree(stack);
    for (let at = 0; at < 60; at += 1) await writeFile(join(directory, `etc/file-${at}`), "");
    const { port } = stack.use(await serve(directory));
    using node = new NfsNode({ files, port });
    await node.mount();
    const page = { op: "readdirplus", file: ETC, dircount: 4096, maxcount: 4096 } as const;
    await node.call({ ...page, continues: false });
    for (let more = 0; more < 9; more += 1) await node.call({ ...page, continues: true });
    const pages = node.told.calls.filter((name) => name === "READDIRPLUS").length;
    expect(pages).toBeGreaterThan(1);
    expect(pages).toBeLessThan(9);
    await node.call({ op: "getattr", file: HOSTNAME });
    // Of the directory itself.
    expect(node.client.added).toBe(1);
    expect(node.told.complaints).toEqual([]);
    await node.call({ ...page, continues: false, maxcount: 1 << 17, dircount: 1 << 17 });
    expect(node.told.differences).toEqual([]);
  });

  test("a file of another size is read as far as it goes", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = await served(stack);
    const stands = new Map([[HOSTNAME, { path: "usr/lib/long", size: LONG }]]);
    const recorded = files.with(HOSTNAME, { path: "etc/hostname", type: "file", size: 900_000 });
    using node = new NfsNode({ files: recorded, port, served: stands });
    await node.mount();
    for (const offset of [0, 131_072, 262_144, 655_360]) {
      await node.call({ op: "read", file: HOSTNAME, offset, count: 131_072 });
    }
    expect(node.told.complaints).toEqual([]);
    const { sizes } = node.told;
    const read = sizes.filter(({ operation }) => operation === "READ");
    const [data] = [read.map(({ received }) => received - 132)];
    // 262,144 to 300,000; 655,360 is 55,360 further than twice the size, and a page begins at 53,248.
    expect(data).toEqual([131_072, 131_072, 37_856, 131_072]);
  });

  test("what is other than recorded is complained of, and the node goes on", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = await served(stack);
    const wrong: readonly TraceFile[] = [
      ...files,
      { path: "etc/nothing", type: "file", size: 10 },
      { path: "etc/nothing/below", type: "file", size: 10 },
    ];
    using node = new NfsNode({ files: wrong, port });
    await node.mount();
    expect(await node.call({ op: "lookup", file: 6 })).toBe(undefined);
    expect(await node.call({ op: "read", file: 7, offset: 0, count: 10 })).toBe(undefined);
    expect(await node.call({ op: "readlink", file: HOSTNAME })).toBe(undefined);
    expect(node.told.complaints).toEqual([
      "nfs LOOKUP: NFS3ERR_NOENT",
      "nfs LOOKUP: NFS3ERR_NOENT",
      "nfs READLINK: NFS3ERR_INVAL",
    ]);
    using lost = new NfsNode({ files, port });
    expect(await lost.mount("/srv/nowhere")).toBe("MNT is refused: MNT3ERR_NOENT");
    expect(await lost.call({ op: "getattr", file: ROOT })).toBe("NFS: nothing is mounted");
  });

  test("two nodes that are told different things by one name are noticed", async () => {
    await using stack = new AsyncDisposableStack();
    const { port } = await served(stack);
    const directory = await tree(stack);
    await writeFile(join(directory, "etc/hostname"), "node2\n");
    await writeFile(join(directory, "etc/more"), "");
    await rm(join(directory, "etc/link"));
    await symlink("elsewhere", join(directory, "etc/link"));
    const other = stack.use(await serve(directory));
    using first = new NfsNode({ files, port });
    using second = new NfsNode({ files, port: other.port, expectations: first.expectations });
    for (const node of [first, second]) {
      await node.mount();
      for (const call of every) await node.call(call);
      expect(node.told.complaints).toEqual([]);
    }
    expect(first.told.differences).toEqual([]);
    const names = "names in etc";
    expect(second.told.differences).toEqual(["target of etc/link", "etc/hostname", names, names]);
  });

  test("a server that is started again is gone on with, and every byte is right", async () => {
    await using stack = new AsyncDisposableStack();
    const directory = await tree(stack);
    const before = await serve(directory);
    const { port } = before;
    using node = new NfsNode({ files, port });
    await node.mount();
    let read = 0;
    const whole = Promise.withResolvers<void>();
    const next = (failure?: string): void => {
      if (failure !== undefined) whole.reject(new Error(failure));
      else if (read === 400) whole.resolve();
      else {
        read += 1;
        node.client.call({ op: "read", file: LONG_FILE, offset: 0, count: 131_072 }, next);
      }
    };
    next();
    await until(() => read > 100);
    await before[Symbol.asyncDispose]();
    stack.use(await serve(directory, port));
    await whole.promise;
    expect(node.told.bytes).toBe(400 * 131_072);
    expect(node.told.complaints).toEqual([]);
    expect(node.told.differences).toEqual([]);
    expect(node.told.repeated).toBeGreaterThan(0);
  });
});
