import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseCidr } from "../../src/bytes/ipv4.ts";
import { type In, Out } from "./client.ts";
import { Client, loopback, type Served, serve, temporaryDirectory } from "./served.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let server: Served;
let client: Client;
const elsewhere = parseCidr("192.0.2.0/24");
if (elsewhere === undefined) throw new Error("not a network");

beforeAll(async () => {
  const path = await temporaryDirectory(cleanup);
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
    const dump = async () => {
      const results = await client.mount(2);
      const found: string[] = [];
      while (results.bool()) found.push(`${results.text()}:${results.text()}`);
      results.end();
      return found.sort();
    };
    await client.mount(4);
    expect(await dump()).toEqual([]);
    await client.mnt("/srv/nfsroot/test");
    await client.mnt("/srv/nfsroot/test/nodes");
    await client.mnt("/srv/nfsroot/test");
    expect(await dump()).toEqual([
      "127.0.0.1:/srv/nfsroot/test",
      "127.0.0.1:/srv/nfsroot/test/nodes",
    ]);
    (await client.mount(3, new Out().opaque("/srv/nfsroot/test"))).end();
    expect(await dump()).toEqual(["127.0.0.1:/srv/nfsroot/test/nodes"]);
    (await client.mount(4)).end();
    expect(await dump()).toEqual([]);
  });

  test("EXPORT lists paths and networks", async () => {
    const results = await client.mount(5);
    const list = (item: (from: In) => unknown) => {
      const found: unknown[] = [];
      while (results.bool()) found.push(item(results));
      return found;
    };
    const found = list((from) => ({ path: from.text(), groups: list((group) => group.text()) }));
    results.end();
    expect(found).toEqual([
      { path: "/srv/nfsroot/test", groups: ["127.0.0.1/32"] },
      { path: "/srv/nfsroot/closed", groups: ["192.0.2.0/24"] },
      { path: "/srv/nfsroot/test/nested", groups: ["127.0.0.1/32", "192.0.2.0/24"] },
    ]);
  });

  test("other versions, programs and procedures are not there", async () => {
    const call = (program: number, version: number, procedure: number) =>
      client.rpc.call({ program, version, procedure });
    expect(await call(100_005, 1, 0)).toMatchObject({ accepted: 2 });
    expect(await call(100_003, 4, 0)).toMatchObject({ accepted: 2 });
    expect(await call(100_227, 3, 0)).toMatchObject({ accepted: 1 });
    expect(await call(100_005, 3, 6)).toMatchObject({ accepted: 3 });
    expect(await call(100_003, 3, 22)).toMatchObject({ accepted: 3 });
  });
});
