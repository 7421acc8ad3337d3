import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LOOPBACK_ADDRESS } from "../../src/bytes/ipv4.ts";
import { currentOf } from "../../src/cli/current.ts";
import { loadConfig } from "../../src/config/load.ts";
import { publicFileOf, readPublicPem } from "../../src/image/store/keys.ts";
import { signManifest } from "../../src/image/store/signature.ts";
import {
  identityOf,
  manifestFile,
  signatureFile,
  versionFile,
} from "../../src/image/store/versions.ts";
import { IMAGE_REFUSED_MS } from "../../src/limits.ts";
import { interfaceAddresses } from "../../src/net/interfaces.ts";
import { openDataPlane } from "../../src/plane/plane.ts";
import { type ImageSource, Trees } from "../../src/plane/trees.ts";
import { BlockCache } from "../../src/tree/cache/cache.ts";
import { Parents } from "../../src/tree/parents.ts";
import { flipBit, newKey, newStore, seal } from "../image/store/sealed.ts";
import { lackingOf, title } from "../needs.ts";
import { Client, loopback } from "../nfs/served.ts";
import { directoryOf } from "../sidus.ts";
import { VirtualClock } from "../sim/clock.ts";

const lacking = lackingOf("mkfs.erofs");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

async function signed() {
  const store = newStore();
  const key = newKey();
  const options = { key: key.file };
  const { digest: older } = await seal(store, { version: "older" }, options);
  const { digest } = await seal(store, { version: "newer" }, options);
  const directory = store.directoryOf("room");
  const keys = [readPublicPem(key.publicFile)];
  const source: ImageSource = { kind: "image", directory, digest, keys };
  const file = (of: (digest: string) => string, version = digest) => join(directory, of(version));
  return { store, key, older, digest, source, file };
}

function opened() {
  const clock = new VirtualClock();
  const warned: string[] = [];
  const options = { clock, cache: BlockCache.create(4 << 20), parents: Parents.create() };
  const trees = cleanup.use(new Trees({ ...options, warn: (text) => warned.push(text) }));
  return { clock, warned, trees };
}

describe.skipIf(lacking)(title("trees of signed images", lacking), () => {
  test("one flipped bit of image, manifest or signature: not opened, nor found by a handle", async () => {
    const { source, file, digest } = await signed();
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(versionFile, manifestFile, signatureFile),
        fc.nat(100_000),
        async (of, bit) => {
          const { trees, warned } = opened();
          flipBit(file(of), bit);
          await expect(trees.open(source)).rejects.toThrow(/digest|not served|image/);
          expect(await trees.version(source, identityOf(digest))).toBeUndefined();
          expect(warned).toHaveLength(1);
          flipBit(file(of), bit);
          await trees.open(source);
          await trees[Symbol.asyncDispose]();
        },
      ),
      { numRuns: 40 },
    );
  });

  test("without keys an unsigned one is served; with keys neither it nor one of another key", async () => {
    const { source, file, key } = await signed();
    const { trees } = opened();
    const { keys: _, ...anyone } = source;
    rmSync(file(signatureFile));
    await trees.open(anyone);
    await expect(trees.open(source)).rejects.toThrow("it is not signed, as image-keys wants it");
    signManifest(file(manifestFile), newKey().file);
    await expect(trees.open(source)).rejects.toThrow("is not one of image-keys");
    signManifest(file(manifestFile), key.file);
    expect(await trees.open(source)).toBe(await trees.open(anyone));
  });

  test("an older version that must not be served is named once, and looked at again later", async () => {
    const { source, older, file, key } = await signed();
    const { trees, warned, clock } = opened();
    rmSync(file(signatureFile, older));
    const find = () => trees.version(source, identityOf(older));
    for (let call = 0; call < 5; call += 1) expect(await find()).toBeUndefined();
    expect(warned).toEqual([
      expect.stringMatching(/^the version [0-9a-f]{12} of the image room is not served/),
    ]);
    signManifest(file(manifestFile, older), key.file);
    expect(await find()).toBeUndefined();
    clock.advance(IMAGE_REFUSED_MS);
    expect((await find())?.identity).toBe(identityOf(older));
  });

  test("what is written into an image after it was opened is found when it is opened again", async () => {
    const { source, file } = await signed();
    const { trees } = opened();
    const tree = await trees.open(source);
    expect(await trees.open(source)).toBe(tree);
    flipBit(file(versionFile), 30_000);
    await expect(trees.open(source)).rejects.toThrow(/is damaged|it was changed/);
  });

  test("an older version that was changed is not found by the threads' handles", async () => {
    const { source, older, file } = await signed();
    const warned: string[] = [];
    const plane = cleanup.use(
      await openDataPlane({
        local: { address: LOOPBACK_ADDRESS, port: 0 },
        threads: 1,
        cache: BlockCache.create(16 << 20),
        parents: Parents.create(),
        exports: [{ name: "room", path: "/srv/room", clients: [loopback], squash: "none", source }],
        tell() {},
        present() {},
        used() {},
        warn: (text) => warned.push(text),
        report: (_, error) => warned.push(String(error)),
        failed: (error) => warned.push(String(error)),
      }),
    );
    const client = cleanup.use(await Client.connect(plane.local.port));
    flipBit(file(versionFile, older), 30_000);
    for (let call = 0; call < 3; call += 1) {
      expect(await client.mnt(`/srv/room@${older.slice(0, 16)}`)).toBe(2);
    }
    await expect.poll(() => warned).toEqual([expect.stringMatching(/is damaged|it was changed/)]);
    expect(Buffer.isBuffer(await client.mnt("/srv/room"))).toBe(true);
  });
});

describe.skipIf(lacking)(title("image-keys in sidus.yaml", lacking), () => {
  const configOf = (images: string, keys: string) => {
    const file = join(directoryOf({}), "sidus.yaml");
    writeFileSync(
      file,
      `interface: lo\nimages: ${images}\nimage-keys: ${keys}\nexports: { room: { image: room } }\ndhcp: { mode: off }\n`,
    );
    return loadConfig(file, interfaceAddresses());
  };

  test("name who must have signed what is served; another key is as good as none", async () => {
    const { store, key, file } = await signed();
    const { trees } = opened();
    const other = newKey();
    const serve = (keys: string) =>
      currentOf(configOf(store.directory, keys), trees, () => undefined);
    await serve(key.publicFile);
    await serve(`[${other.publicFile}, ${key.publicFile}]`);
    await expect(serve(other.publicFile)).rejects.toThrow("is not one of image-keys");
    rmSync(file(signatureFile));
    await expect(serve(key.publicFile)).rejects.toThrow("it is not signed");
  });

  test("are files of public keys", async () => {
    const { store, key } = await signed();
    const { trees } = opened();
    const serve = (keys: string) =>
      currentOf(configOf(store.directory, keys), trees, () => undefined);
    await expect(serve(key.file)).rejects.toThrow(
      /sidus.yaml: image-keys: \S+image.key: expected a public key of Ed25519/,
    );
    await expect(serve(publicFileOf("/nowhere"))).rejects.toThrow(
      /sidus.yaml: image-keys: the public key \/nowhere.pub cannot be read/,
    );
    expect(() => configOf(store.directory, "relative.pub")).toThrow(
      /sidus.yaml:3: image-keys: expected an absolute path/,
    );
  });
});
