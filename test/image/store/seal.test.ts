import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  linkSync,
  lutimesSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, describe, expect, test } from "vitest";
import type { Progress } from "../../../src/image/progress.ts";
import { setPolicy } from "../../../src/image/store/keep.ts";
import { makeKey } from "../../../src/image/store/keys.ts";
import type { Manifest } from "../../../src/image/store/manifest.ts";
import { type SealOptions, sealTree } from "../../../src/image/store/seal.ts";
import { ImageStore } from "../../../src/image/store/store.ts";
import { VersionUses } from "../../../src/image/store/uses.ts";
import { verifyVersion } from "../../../src/image/store/verify.ts";
import { CACHE_BYTES_MIN } from "../../../src/limits.ts";
import { BlockCache } from "../../../src/tree/cache/cache.ts";
import { openErofs } from "../../../src/tree/erofs.ts";
import type { Tree } from "../../../src/tree/tree.ts";
import { UserError } from "../../../src/user-error.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf, smallTree } from "../../sidus.ts";
import { differences } from "../../tree/erofs/reading.ts";
import { bytesOf } from "../../tree/random-tree.ts";

const lacking = lackingOf("mkfs.erofs", "setfattr");
const lackingRoot = lackingOf("mkfs.erofs", "setfattr", "root");

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());

const SEALED_AT = "2026-03-04T05:06:07.000Z";

function seal(store: ImageStore, tree: string, others: Partial<SealOptions> = {}) {
  const sealedAt = new Date(SEALED_AT);
  const origin = { made: "test", parent: undefined, recipe: "suite: bookworm\n" };
  return sealTree({ name: "room", tree, store, version: "1.2.3", sealedAt, origin, ...others });
}

function newStore(): ImageStore {
  return new ImageStore(join(directoryOf({}), "images"));
}

function fileOf(store: ImageStore, { name, digest }: Manifest): string {
  return join(store.directoryOf(name), `${digest}.erofs`);
}

async function opened(store: ImageStore, manifest: Manifest): Promise<Tree> {
  const cache = BlockCache.create(CACHE_BYTES_MIN);
  const { digest } = manifest;
  return cleanup.use(await openErofs(fileOf(store, manifest), { cache, digest }));
}

/** What anybody can make. */
function writeTree(): string {
  const tree = directoryOf({
    ...smallTree,
    "lib/modules/6.1.0-1-amd64/modules.dep": "kernel/fs/nfs/nfs.ko:\n",
    "etc/passwd": "root:x:0:0::/root:/bin/sh\n",
  });
  linkSync(join(tree, "etc/passwd"), join(tree, "etc/passwd-"));
  symlinkSync("../etc/passwd", join(tree, "usr/link"));
  writeFileSync(bytesOf(`${tree}/caf\xe9`), "no UTF-8");
  writeFileSync(join(tree, "n".repeat(254)), "the longest name that can be sealed");
  writeFileSync(join(tree, "hole"), "before");
  truncateSync(join(tree, "hole"), 1_000_000);
  writeFileSync(join(tree, "hole"), "after", { flag: "a" });
  execFileSync("mkfifo", [join(tree, "fifo")]);
  chmodSync(join(tree, "usr"), 0o1777);
  utimesSync(join(tree, "hole"), 1, 0.25);
  lutimesSync(join(tree, "usr/link"), 1_000_000_000.125, 1_000_000_000.125);
  execFileSync("setfattr", ["-n", "user.one", "-v", "carried along", join(tree, "etc/passwd")]);
  return tree;
}

describe.skipIf(lacking)(title("sealing", lacking), () => {
  test("an image equals its tree, is named by its digest, is current, and never changes", async () => {
    const store = newStore();
    const tree = writeTree();
    const manifest = await seal(store, tree);
    expect(await differences(await opened(store, manifest), tree)).toEqual([]);
    const file = fileOf(store, manifest);
    const bytes = readFileSync(file);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(manifest.digest);
    expect(bytes.includes("carried along")).toBe(true);
    expect(statSync(file).mode & 0o7777).toBe(0o400);
    expect(manifest).toEqual({
      ...{ name: "room", digest: manifest.digest, bytes: bytes.length, sealed: SEALED_AT },
      ...{ sidus: "1.2.3", kernel: "6.1.0-1-amd64", packages: {} },
      ...{ made: "test", parent: undefined, recipe: "suite: bookworm\n" },
      sbom: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(await store.versions("room", 0)).toMatchObject([
      { digest: manifest.digest, made: "test", isCurrent: true, nodes: [] },
    ]);
    expect(readdirSync(store.directory)).toEqual(["room"]);
    const { digest } = manifest;
    expect(readdirSync(store.directoryOf("room"))).toEqual(
      expect.arrayContaining([
        `${digest}.erofs`,
        `${digest}.json`,
        `${digest}.spdx.json`,
        "current",
      ]),
    );
  });

  test("times are kept to the nanosecond, the youngest one too", async () => {
    const tree = directoryOf({ file: "" });
    execFileSync("touch", ["--date=@4000000000.000000007", join(tree, "file")]);
    const store = newStore();
    const manifest = await seal(store, tree);
    expect(await differences(await opened(store, manifest), tree)).toEqual([]);
  });

  test("the same tree gives the same digest: again, and copied elsewhere", async () => {
    const store = newStore();
    const tree = writeTree();
    const { digest } = await seal(store, tree);
    expect((await seal(store, tree)).digest).toBe(digest);
    const copy = join(directoryOf({}), "copy");
    execFileSync("cp", ["--archive", tree, copy]);
    expect((await seal(store, copy, { name: "other" })).digest).toBe(digest);
    chmodSync(join(copy, "hole"), 0o600);
    expect((await seal(store, copy, { name: "other" })).digest).not.toBe(digest);
    expect(await store.names()).toEqual(["other", "room"]);
    expect(await store.versions("room", 0)).toHaveLength(1);
    expect(await store.versions("other", 0)).toHaveLength(2);
  });

  test("a new version becomes current, and back; both are kept until one is removed", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "first" });
    const first = await seal(store, tree);
    writeFileSync(join(tree, "file"), "second, longer");
    const second = await seal(store, tree);
    const currentOf = async () => (await store.versions("room", 0)).find((one) => one.isCurrent);
    expect((await currentOf())?.digest).toBe(second.digest);
    store.use("room", first.digest);
    expect((await currentOf())?.digest).toBe(first.digest);
    const uses = new VersionUses(store.directoryOf("room"));
    uses.note(second.digest, ["10.0.0.1"], 0);
    uses.save();
    expect(() => store.remove("room", second.digest, 0)).toThrow(/in use by 10.0.0.1/);
    uses.note(first.digest, ["10.0.0.1"], 3_600_000);
    uses.save();
    store.remove("room", second.digest, 3_600_000);
    expect(await store.versions("room", 0)).toHaveLength(1);
    // Sealed again, it is the same version again.
    expect((await seal(store, tree)).digest).toBe(second.digest);
  });

  test("interrupted, it leaves nothing", async () => {
    const store = newStore();
    const tree = directoryOf({ large: "" });
    truncateSync(join(tree, "large"), 2 ** 31);
    const interrupt = new AbortController();
    const sealed = seal(store, tree, { signal: interrupt.signal });
    const told = expect(sealed).rejects.toThrow(
      `sealing ${tree} was interrupted; nothing of it is left`,
    );
    const isWriting = () =>
      readdirSync(store.directory).some((name) =>
        existsSync(join(store.directory, name, "image.erofs")),
      );
    while (!isWriting()) await setTimeout(5);
    interrupt.abort();
    await told;
    expect(readdirSync(store.directory)).toEqual([]);
    await expect(seal(store, tree, { signal: interrupt.signal })).rejects.toThrow(UserError);
    expect(readdirSync(store.directory)).toEqual([]);
  });

  test("a version that was sealed before stays current when sealing fails", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "" });
    const before = await seal(store, tree);
    writeFileSync(join(tree, "x".repeat(255)), "");
    await expect(seal(store, tree)).rejects.toThrow(
      `a name of 255 bytes in ${tree} cannot be sealed: shorten it, or leave it out`,
    );
    expect(readdirSync(store.directory)).toEqual(["room"]);
    expect((await store.versions("room", 0)).map(({ digest }) => digest)).toEqual([before.digest]);
  });

  test("two at once of one image: the second is refused; another image does not mind", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "" });
    const first = seal(store, tree);
    await expect(seal(store, tree)).rejects.toThrow(/already; wait for it, or end it/);
    await seal(store, tree, { name: "other" });
    await first;
    expect(await store.names()).toEqual(["other", "room"]);
  });

  test("what is no tree is refused, and so is a tree that holds the images", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "" });
    const noTree = /is no directory: name the one that holds the tree$/;
    await expect(seal(store, join(tree, "file"))).rejects.toThrow(noTree);
    await expect(seal(store, join(tree, "absent"))).rejects.toThrow(noTree);
    const inside = new ImageStore(join(tree, "var/images"));
    for (const around of [tree, join(tree, "var/images"), "/"]) {
      await expect(seal(inside, around)).rejects.toThrow(
        /is in the tree .*: choose other --images/,
      );
    }
    // Beside it, where only the names begin alike.
    symlinkSync(tree, `${tree}-link`);
    const { digest } = await seal(new ImageStore(`${tree}-images`), `${tree}-link`);
    rmSync(join(tree, "var"), { recursive: true });
    expect(digest).toMatch(/^[0-9a-f]{64}$/);
  });

  test("interrupted while devices are being put into it, a system's tree is as it was", async () => {
    const store = newStore();
    const tree = directoryOf({ "usr/lib/os-release": "ID=debian\n", "dev/x": "", large: "" });
    truncateSync(join(tree, "large"), 2 ** 31);
    const before = statSync(join(tree, "dev"), { bigint: true }).mtimeNs;
    const interrupt = new AbortController();
    const sealed = seal(store, tree, { signal: interrupt.signal });
    const told = expect(sealed).rejects.toThrow(UserError);
    while (!existsSync(join(tree, "dev/null"))) await setTimeout(1);
    interrupt.abort();
    await told;
    expect(readdirSync(join(tree, "dev"))).toEqual(["x"]);
    expect(statSync(join(tree, "dev"), { bigint: true }).mtimeNs).toBe(before);
  });

  test("what is written down: packages, signed by a key that was said; a bad key is told before all work", async () => {
    const store = newStore();
    const status =
      "Package: bash\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.2\n";
    const tree = directoryOf({
      "var/lib/dpkg/status": status,
      "usr/lib/os-release": "ID=ubuntu\n",
    });
    const { file, publicFile } = makeKey(join(directoryOf({}), "key"));
    await expect(seal(store, tree, { key: publicFile })).rejects.toThrow(UserError);
    expect(existsSync(store.directoryOf("room"))).toBe(false);
    const { digest, packages } = await seal(store, tree, { key: file });
    expect(packages).toEqual({ bash: "5.2" });
    const beside = (kind: string) =>
      readFileSync(join(store.directoryOf("room"), `${digest}.${kind}`), "utf8");
    expect(JSON.parse(beside("json"))).toMatchObject({ digest, packages });
    expect(beside("spdx.json")).toContain("pkg:deb/ubuntu/bash@5.2?arch=amd64");
    expect(beside("sig")).not.toBe("");
  });

  test("how it came to be is one line, whatever a path has in it", async () => {
    const store = newStore();
    const origin = { made: "seal of /a\tb\n\u001b[31m", parent: undefined, recipe: undefined };
    const { digest } = await seal(store, directoryOf({ file: "" }), { origin });
    const { faults } = await verifyVersion({ store, name: "room", digest, keys: [] });
    expect(faults).toEqual([]);
    expect(await store.versions("room", 0)).toMatchObject([{ made: "seal of /a b [31m" }]);
  });

  test("how far it is, by bytes, until all are read", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "x".repeat(3_000_000) });
    const told: Progress[] = [];
    const { bytes } = await seal(store, tree, { progress: (progress) => void told.push(progress) });
    expect(told[0]).toMatchObject({ step: "sealing", item: "writing the image", total: 3_000_000 });
    expect(told.at(-1)).toMatchObject({ item: "computing the digest", done: bytes, total: bytes });
    expect(told.every(({ done, total }) => done <= total)).toBe(true);
  });

  test("versions beyond what is kept go when another is sealed", async () => {
    const store = newStore();
    const tree = directoryOf({ file: "" });
    const first = await seal(store, tree);
    setPolicy(store, "room", 0);
    writeFileSync(join(tree, "file"), "more");
    const second = await seal(store, tree);
    expect(first.digest).not.toBe(second.digest);
    expect((await store.versions("room", 0)).map(({ digest }) => digest)).toEqual([second.digest]);
  });

  test("a tree without a kernel is an image all the same", async () => {
    const store = newStore();
    const tree = directoryOf({ "boot/readme": "" });
    expect((await seal(store, tree)).kernel).toBeUndefined();
    rmSync(join(tree, "boot"), { recursive: true });
    expect((await seal(store, tree)).kernel).toBeUndefined();
  });
});

describe.skipIf(lackingRoot)(title("sealing what only root can make", lackingRoot), () => {
  test("owners, devices and attributes of the system", async () => {
    const tree = writeTree();
    for (const node of ["null c 1 3", "sda b 8 0", "large c 4095 1048575"]) {
      const [name = "", ...rest] = node.split(" ");
      execFileSync("mknod", [join(tree, name), ...rest]);
    }
    execFileSync("chown", ["1000:4000000000", join(tree, "etc/passwd")]);
    execFileSync("chown", ["-h", "65535:65536", join(tree, "usr/link")]);
    chmodSync(join(tree, "etc/passwd"), 0o6751);
    // After chown, which would drop it. Version 2 of capabilities(7): cap_net_raw, effective.
    const capability = "0sAQAAAgAgAAAAAAAAAAAAAAAAAAA=";
    const value = ["-n", "security.capability", "-v", capability];
    execFileSync("setfattr", [...value, join(tree, "hole")]);
    const store = newStore();
    const manifest = await seal(store, tree);
    expect(await differences(await opened(store, manifest), tree)).toEqual([]);
    const bytes = readFileSync(fileOf(store, manifest));
    expect(bytes.includes(Buffer.from(capability.slice(2), "base64"))).toBe(true);
    expect((await seal(store, tree)).digest).toBe(manifest.digest);
  });
});
