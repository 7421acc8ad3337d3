import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS, parseCidr } from "../../src/bytes/ipv4.ts";
import { Mounts } from "../../src/nfs/mounts.ts";
import { serveNfs } from "../../src/nfs/server.ts";
import type { Tree } from "../../src/tree/tree.ts";
import { Out } from "./client.ts";
import { Client, loopback, type Served, serve, temporaryDirectory } from "./served.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let server: Served;
let client: Client;
const elsewhere = parseCidr("192.0.2.0/24");
if (elsewhere === undefined) throw new Error("not a network");

let path: string;

beforeAll(async () => {
  path = await temporaryDirectory(cleanup);
  await mkdir(join(path, "nodes/a"), { recursive: true });
  await writeFile(join(path, "file"), "x");
  await symlink("nodes", join(path, "link"));
  server = cleanup.use(await serve(path));
  client = cleanup.use(await Client.connect(server.port));
  const [only] = server.exports;
  if (only === undefined) throw new Error("nothing is exported");
  server.exports = [
    only,
    { ...only, name: "closed", path: "/srv/nfsroot/closed", clients: [elsewhere] },
    { ...only, name: "nested", path: "/srv/nfsroot/test/nested", clients: [loopback, elsewhere] },
  ];
});

describe("RFC 1813 §5: MOUNT", () => {
  test("MNT: an export, in any spelling of its path", async () => {
    const handle = await client.mnt("/srv/nfsroot/test");
    expect(handle).toBeInstanceOf(Buffer);
    expect(await client.mnt("/srv/nfsroot/test/")).toEqual(handle);
    expect(await client.mnt("//srv/./nfsroot//test")).toEqual(handle);
  });

  test("MNT: a directory below an export; its handle is the one that LOOKUP gives", async () => {
    const mounted = await client.mnt("/srv/nfsroot/test/nodes/a");
    expect(mounted).toEqual((await client.find("nodes", "a")).handle);
  });

  test("MNT: the longest path wins", async () => {
    const nested = await client.mnt("/srv/nfsroot/test/nested");
    expect(nested).toBeInstanceOf(Buffer);
    expect(nested).not.toEqual(await client.mnt("/srv/nfsroot/test"));
  });

  test("MNT: no export is NOENT; nothing there NOENT; a file or link NOTDIR; no right ACCES", async () => {
    expect(await client.mnt("/")).toBe(2);
    expect(await client.mnt("")).toBe(2);
    expect(await client.mnt("/srv/nfsroot")).toBe(2);
    expect(await client.mnt("/srv/nfsroot/test2")).toBe(2);
    expect(await client.mnt("/srv/nfsroot/test/none")).toBe(2);
    expect(await client.mnt("/srv/nfsroot/test/file")).toBe(20);
    expect(await client.mnt("/srv/nfsroot/test/link")).toBe(20);
    expect(await client.mnt("/srv/nfsroot/test/link/a")).toBe(20);
    expect(await client.mnt("/srv/nfsroot/closed")).toBe(13);
  });

  test("MNT: `..` ends at the root of the tree", async () => {
    const handle = await client.mnt("/srv/nfsroot/test");
    expect(await client.mnt("/srv/nfsroot/test/../../../..")).toEqual(handle);
    expect(await client.mnt("/srv/nfsroot/test/nodes/..")).toEqual(handle);
  });

  test("MNT: a path over 1024 bytes or a name over 255 is NAMETOOLONG, whatever it begins with", async () => {
    const long = (bytes: number) => "/srv/nfsroot/test".padEnd(bytes, "/");
    expect(await client.mnt(long(1024))).toBeInstanceOf(Buffer);
    expect(await client.mnt(long(1025))).toBe(63);
    expect(await client.mnt(long(50_000))).toBe(63);
    expect(await client.mnt(`/srv/nfsroot/test/${"n".repeat(255)}`)).toBe(2);
    expect(await client.mnt(`/srv/nfsroot/test/${"n".repeat(256)}`)).toBe(63);
    expect(await client.mnt(`/${"n".repeat(256)}`)).toBe(63);
    const [told] = server.events.slice(-1);
    expect(told).toMatchObject({ kind: "mount", outcome: "missing" });
    for (const event of server.events) {
      if (event.kind === "mount") expect(event.path.length).toBeLessThanOrEqual(1024);
    }
  });

  test("MNT: names are bytes; a zero byte is in none", async () => {
    await mkdir(Buffer.concat([Buffer.from(`${path}/`), Buffer.from([0xe9, 0xff])]));
    const handle = await client.mnt("/srv/nfsroot/test/\xe9\xff");
    expect(handle).toEqual((await client.find("\xe9\xff")).handle);
    expect(await client.mnt("/srv/nfsroot/test/nodes\0")).toBe(2);
    expect(await client.mnt("\0")).toBe(2);
  });

  test("MNT: what the tree cannot say is IO or ACCES", async () => {
    const [first, ...others] = server.exports;
    if (first === undefined) throw new Error("nothing is exported");
    for (const [error, status] of [
      ["io", 5],
      ["denied", 13],
      ["stale", 2],
    ] as const) {
      const { tree } = first;
      const broken: Tree = {
        identity: tree.identity,
        root: tree.root,
        attributes: (id) => tree.attributes(id),
        lookup: () => error,
        readlink: (id) => tree.readlink(id),
        read: (id, offset, length) => tree.read(id, offset, length),
        readdir: (id, cookie, entriesMax) => tree.readdir(id, cookie, entriesMax),
        usage: () => tree.usage(),
        [Symbol.asyncDispose]: async () => {},
      };
      server.exports = [{ ...first, tree: broken }, ...others];
      expect(await client.mnt("/srv/nfsroot/test/nodes")).toBe(status);
    }
    server.exports = [first, ...others];
  });

  test("arguments too short or too long are GARBAGE_ARGS", async () => {
    const call = async (procedure: number, args: Out) =>
      client.rpc.call({ program: 100_005, version: 3, procedure }, args.bytes());
    for (const procedure of [0, 2, 4, 5]) {
      expect(await call(procedure, new Out().u32(0))).toMatchObject({ accepted: 4 });
    }
    for (const procedure of [1, 3]) {
      expect(await call(procedure, new Out())).toMatchObject({ accepted: 4 });
      expect(await call(procedure, new Out().u32(8).u32(0))).toMatchObject({ accepted: 4 });
      expect(await call(procedure, new Out().u32(0xffff_ffff))).toMatchObject({ accepted: 4 });
      expect(await call(procedure, new Out().opaque("/").u32(0))).toMatchObject({ accepted: 4 });
    }
  });

  test("each is told", async () => {
    server.events.length = 0;
    await client.mnt("/srv/nfsroot/test");
    await client.mnt("/srv/nfsroot/closed");
    await client.mnt("/none");
    await client.mount(3, new Out().opaque("/srv/nfsroot/test"));
    expect(server.events).toEqual([
      expect.objectContaining({ kind: "mount", path: "/srv/nfsroot/test", outcome: "granted" }),
      expect.objectContaining({ kind: "mount", path: "/srv/nfsroot/closed", outcome: "denied" }),
      expect.objectContaining({ kind: "mount", path: "/none", outcome: "missing" }),
      expect.objectContaining({ kind: "mount", path: "/srv/nfsroot/test", outcome: "unmounted" }),
    ]);
  });

  test("DUMP lists what is mounted, UMNT and UMNTALL take it off", async () => {
    const dump = async () => (await client.dump()).map((entry) => entry.join(":"));
    await client.mount(4);
    expect(await dump()).toEqual([]);
    await client.mnt("/srv/nfsroot/test");
    await client.mnt("/srv/nfsroot/test/nodes");
    await client.mnt("/srv/nfsroot/test");
    expect(await dump()).toEqual([
      "127.0.0.1:/srv/nfsroot/test/nodes",
      "127.0.0.1:/srv/nfsroot/test",
    ]);
    (await client.mount(3, new Out().opaque("/srv/nfsroot/test"))).end();
    expect(await dump()).toEqual(["127.0.0.1:/srv/nfsroot/test/nodes"]);
    (await client.mount(4)).end();
    expect(await dump()).toEqual([]);
    await client.mnt("//srv/./nfsroot//test/../nodes/a/..");
    expect(await dump()).toEqual(["127.0.0.1:/srv/nfsroot/test/nodes"]);
    await client.mount(3, new Out().opaque("/srv/nfsroot/test/nodes/"));
    expect(await dump()).toEqual([]);
    await client.mnt("/srv/nfsroot/closed");
    await client.mnt("/srv/nfsroot/test/none");
    await client.mount(3, new Out().opaque("/nothing/mounted/here"));
    await client.mount(3, new Out().opaque("/srv/nfsroot/test".padEnd(50_000, "/")));
    expect(await dump()).toEqual([]);
  });

  test("DUMP: servers that share a list show one another's mounts", async () => {
    const mounts = new Mounts();
    const options = {
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      exports: () => server.exports,
      mounts,
      tell: () => {},
      report: (_: string, error: unknown) => {
        throw error;
      },
    };
    await using one = await serveNfs(options);
    await using two = await serveNfs(options);
    await using first = await Client.connect(one.local.port);
    await using second = await Client.connect(two.local.port);
    await first.mnt("/srv/nfsroot/test");
    expect(mounts.all()).toEqual([{ address: LOOPBACK_ADDRESS, path: "/srv/nfsroot/test" }]);
    expect(await second.dump()).toEqual([["127.0.0.1", "/srv/nfsroot/test"]]);
    await second.mount(4);
    expect(mounts.all()).toEqual([]);
  });

  test("EXPORT lists paths and networks", async () => {
    const results = await client.mount(5);
    const found = results.list((from) => ({
      path: from.text(),
      groups: from.list((group) => group.text()),
    }));
    results.end();
    expect(found).toEqual([
      { path: "/srv/nfsroot/test", groups: ["127.0.0.1/32"] },
      { path: "/srv/nfsroot/closed", groups: ["192.0.2.0/24"] },
      { path: "/srv/nfsroot/test/nested", groups: ["127.0.0.1/32", "192.0.2.0/24"] },
    ]);
  });
});
