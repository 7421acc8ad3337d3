import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { sealTree } from "../../src/image/store/seal.ts";
import { ImageStore } from "../../src/image/store/store.ts";
import { identityOf } from "../../src/image/store/versions.ts";
import type { VersionUse } from "../../src/nfs/uses.ts";
import type { ExportSpec } from "../../src/plane/messages.ts";
import { openDataPlane } from "../../src/plane/plane.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import { lackingOf, title } from "../needs.ts";
import { Client, loopback } from "../nfs/served.ts";
import { directoryOf } from "../sidus.ts";

const lacking = lackingOf("mkfs.erofs");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

const store = new ImageStore(join(directoryOf({}), "images"));

async function seal(text: string): Promise<string> {
  const tree = directoryOf({ version: text });
  writeFileSync(join(tree, "other"), text.repeat(1000));
  const sealedAt = new Date(0);
  const origin = { made: "test", parent: undefined, recipe: undefined };
  const { digest } = await sealTree({ name: "room", tree, store, version: "1", sealedAt, origin });
  return digest;
}

function specOf(digest: string): ExportSpec {
  const directory = store.directoryOf("room");
  const source = { kind: "image" as const, directory, digest };
  return { name: "room", path: "/srv/room", clients: [loopback], squash: "none", source };
}

async function open(digest: string) {
  const used: VersionUse[] = [];
  const problems: unknown[] = [];
  const plane = cleanup.use(
    await openDataPlane({
      local: { address: LOOPBACK_ADDRESS, port: 0 },
      threads: 2,
      cache: BlockCache.create(16 << 20),
      parents: Parents.create(),
      exports: [specOf(digest)],
      tell() {},
      present() {},
      used: (uses) => used.push(...uses),
      warn() {},
      report: (_, error) => problems.push(error),
      failed: (error) => problems.push(error),
    }),
  );
  const connect = async () => cleanup.use(await Client.connect(plane.local.port));
  return { plane, used, problems, connect };
}

async function rootAt(client: Client, path: string): Promise<Buffer> {
  const root = await client.mnt(path);
  if (typeof root === "number") throw new Error(`${path}: ${root}`);
  return root;
}

async function textIn(client: Client, root: Buffer): Promise<string> {
  const found = await client.lookup(root, "version");
  if (typeof found === "number") throw new Error(`LOOKUP: ${found}`);
  return (await client.readAll(found.handle)).toString();
}

describe.skipIf(lacking !== undefined)(title("an image with several versions", lacking), () => {
  test("who mounted one keeps it, over a change of the current one and a restart", async () => {
    const [one, two] = [await seal("one"), await seal("two")];
    const first = await open(one);
    const client = await first.connect();
    const root = await rootAt(client, "/srv/room");
    expect(await textIn(client, root)).toBe("one");

    await first.plane.take([specOf(two)]);
    expect(await textIn(client, root)).toBe("one");
    const later = await first.connect();
    expect(await textIn(later, await rootAt(later, "/srv/room"))).toBe("two");
    const isUsed = (digest: string) =>
      first.used.some(
        ({ identity, addresses }) =>
          identity === identityOf(digest) && addresses.includes(LOOPBACK_ADDRESS),
      );
    await expect.poll(() => isUsed(one) && isUsed(two), { timeout: 5000 }).toBe(true);

    const second = await open(two);
    for (const again of [await second.connect(), await second.connect()]) {
      expect(await textIn(again, root)).toBe("one");
    }
    expect([...first.problems, ...second.problems]).toEqual([]);
  });

  test("a path with a version's pin is that version, whichever is current; of none it is nothing", async () => {
    const [one, two] = [await seal("one"), await seal("two")];
    const { connect } = await open(two);
    const client = await connect();
    const pinned = (digest: string) => `/srv/room@${digest.slice(0, 16)}`;
    expect(await textIn(client, await rootAt(client, pinned(one)))).toBe("one");
    expect(await textIn(client, await rootAt(client, pinned(two)))).toBe("two");
    expect(await client.mnt(pinned("0".repeat(64)))).toBe(2);
    expect(await client.mnt("/srv/room@0")).toBe(2);
    expect(await client.dump()).toContainEqual(["127.0.0.1", pinned(one)]);
  });
});
