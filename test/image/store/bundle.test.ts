import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isMalformed } from "../../../src/bytes/malformed.ts";
import {
  type BundleEntry,
  decodeHeader,
  encodeHeader,
} from "../../../src/image/store/bundle-header.ts";
import { exportVersion } from "../../../src/image/store/export.ts";
import { importVersion } from "../../../src/image/store/import.ts";
import { readPublicKey } from "../../../src/image/store/keys.ts";
import type { ImageStore } from "../../../src/image/store/store.ts";
import { verifyVersion } from "../../../src/image/store/verify.ts";
import {
  manifestFile,
  sbomFile,
  signatureFile,
  versionFile,
} from "../../../src/image/store/versions.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";
import { flipBit, newKey, newStore, seal } from "./sealed.ts";

const lacking = lackingOf("mkfs.erofs", "tar");

async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(pieces));
}

/** One for all tests that change nothing in its store. */
function bundle() {
  made ??= newBundle();
  return made;
}
let made: ReturnType<typeof newBundle> | undefined;

async function newBundle() {
  const store = newStore();
  const key = newKey();
  const { digest } = await seal(store, { file: "text" }, { key: key.file });
  const directory = store.directoryOf("room");
  const bytes = await bytesOf(exportVersion({ directory, name: "room", digest }));
  return { store, key, digest, directory, bytes };
}

/** In pieces of all sizes, as pipes have them. */
async function* inPieces(bytes: Uint8Array, size = 700): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

function take(store: ImageStore, bytes: Uint8Array) {
  return importVersion({ store, bytes: inPieces(bytes) });
}

/** All that is in a store. */
function filesIn(store: ImageStore): string[] {
  return existsSync(store.directory)
    ? readdirSync(store.directory, { recursive: true }).map(String)
    : [];
}

const whole = "this is no whole bundle of sidus image export: ";

describe("a bundle's header", () => {
  test("is what GNU tar writes of the same file, and is read back", () => {
    const directory = directoryOf({ "room/file.erofs": "x".repeat(1000) });
    const tar = execFileSync("tar", [
      ...["--format=ustar", "--owner=:0", "--group=:0", "--mode=644", "--mtime=@86400"],
      ...["-C", directory, "-c", "room/file.erofs"],
    ]);
    const entry = { directory: "room", file: "file.erofs", size: 1000 };
    expect(decodeHeader(tar.subarray(0, 512))).toEqual(entry);
    expect(decodeHeader(encodeHeader(entry, 86_400))).toEqual(entry);
  });

  test("holds names and sizes of any length that there is", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[\w.-]{1,63}$/),
        fc.stringMatching(/^[0-9a-f]{64}\.(erofs|json|sig|spdx\.json)$/),
        fc.maxSafeNat(),
        (directory, file, size) => {
          const entry: BundleEntry = { directory, file, size };
          expect(decodeHeader(encodeHeader(entry, 1_800_000_000))).toEqual(entry);
        },
      ),
    );
  });

  test("of anything else than a plain file, or without its sum, is malformed", () => {
    const entry = { directory: "room", file: "file", size: 1 };
    const header = encodeHeader(entry, 0);
    expect(decodeHeader(Buffer.alloc(512))).toBe("end");
    expect(decodeHeader(header.subarray(0, 511))).toMatchObject({ malformed: "it was cut short" });
    fc.assert(
      fc.property(fc.nat(511), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const changed = Buffer.from(header);
        changed[at] = (changed[at] ?? 0) ^ change;
        const found = decodeHeader(changed);
        // The sum has blanks and zeros after it that say nothing.
        const isFound = found !== "end" && !isMalformed(found);
        if (isFound) expect(found).toEqual(entry);
      }),
    );
  });
});

describe.skipIf(lacking)(title("a bundle", lacking), () => {
  test("brings a version to another store, with its signature, not making it current", async () => {
    const { bytes, digest, directory, key } = await bundle();
    const store = newStore();
    const { manifest, isKnown } = await take(store, bytes);
    expect([manifest.digest, isKnown]).toEqual([digest, false]);
    const files = readdirSync(store.directoryOf("room")).sort();
    const names = [
      ".lock",
      ...["erofs", "json", "sig", "spdx.json"].map((end) => `${digest}.${end}`),
    ];
    expect(files).toEqual(names);
    for (const name of names) {
      expect(readFileSync(join(store.directoryOf("room"), name))).toEqual(
        readFileSync(join(directory, name)),
      );
    }
    const keys = [readPublicKey(key.publicFile)];
    const verified = await verifyVersion({ store, name: "room", digest, keys, mustBeSigned: true });
    expect(verified.faults).toEqual([]);
    expect((await take(store, bytes)).isKnown).toBe(true);
    expect(filesIn(store)).toHaveLength(1 + names.length);
  });

  test("of a version that is there mends what is damaged of it, and signs what is not signed", async () => {
    const { bytes, digest, key } = await bundle();
    const store = newStore();
    await take(store, bytes);
    const keys = [readPublicKey(key.publicFile)];
    const faults = async () =>
      (await verifyVersion({ store, name: "room", digest, keys, mustBeSigned: true })).faults;
    const file = (of: (digest: string) => string) => join(store.directoryOf("room"), of(digest));
    for (const of of [versionFile, manifestFile, signatureFile, sbomFile]) {
      flipBit(file(of), 300);
      expect(await faults()).not.toEqual([]);
      expect((await take(store, bytes)).isKnown).toBe(false);
      expect(await faults()).toEqual([]);
    }
    rmSync(file(signatureFile));
    expect((await take(store, bytes)).isKnown).toBe(false);
    expect(await faults()).toEqual([]);
    expect((await take(store, bytes)).isKnown).toBe(true);
  });

  test("is the same each time, and other programs read and write it", async () => {
    const { bytes, digest, directory } = await bundle();
    expect(await bytesOf(exportVersion({ directory, name: "room", digest }))).toEqual(bytes);
    const base = directoryOf({});
    writeFileSync(join(base, "bundle.tar"), bytes);
    execFileSync("tar", ["-C", base, "-xf", join(base, "bundle.tar")]);
    expect(readFileSync(join(base, "room", versionFile(digest)))).toEqual(
      readFileSync(join(directory, versionFile(digest))),
    );
    for (const format of ["ustar", "gnu"]) {
      const files = ["json", "spdx.json", "erofs"].map((end) => `room/${digest}.${end}`);
      const again = execFileSync("tar", [`--format=${format}`, "-C", base, "-c", ...files]);
      expect((await take(newStore(), again)).manifest.digest).toBe(digest);
    }
  });

  test("cut short anywhere: nothing of it is there", async () => {
    const { bytes } = await bundle();
    const store = newStore();
    const ends = new Set([0, 1, 511, 512, 513, bytes.length - 1025, bytes.length - 1024]);
    for (let end = 0; end < bytes.length - 1; end += 997) ends.add(end);
    for (const end of ends) {
      await expect(take(store, bytes.subarray(0, end))).rejects.toThrow(whole);
    }
    expect(filesIn(store)).toEqual([]);
  });

  test("any flipped bit: refused, or of no meaning to a version that is then good", async () => {
    const { bytes, digest } = await bundle();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length * 8 - 1), async (bit) => {
        const store = newStore();
        const changed = Buffer.from(bytes);
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        try {
          await take(store, changed);
        } catch (error) {
          expect(String(error)).toContain(whole);
          expect(filesIn(store)).toEqual([]);
          return;
        }
        const { faults } = await verifyVersion({ store, name: "room", digest, keys: [] });
        expect(faults).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });

  test("interrupted: nothing of it is there", async () => {
    const { bytes } = await bundle();
    const store = newStore();
    const controller = new AbortController();
    const progress = (): void => controller.abort();
    const { signal } = controller;
    const taken = importVersion({ store, bytes: inPieces(bytes), progress, signal });
    await expect(taken).rejects.toThrow("importing was interrupted; nothing of it is left");
    expect(filesIn(store)).toEqual([]);
  });

  test("of a version that is damaged is not made", async () => {
    const { directory, digest } = await newBundle();
    flipBit(join(directory, versionFile(digest)), 20_000);
    await expect(bytesOf(exportVersion({ directory, name: "room", digest }))).rejects.toThrow(
      "was changed or damaged: sidus image verify room",
    );
  });
});

describe.skipIf(lacking)(title("a hostile bundle", lacking), () => {
  const parts = async () => {
    const { bytes, digest } = await bundle();
    const size = (at: number): number =>
      Number.parseInt(bytes.toString("latin1", at + 124, at + 135), 8);
    const entries: { header: Buffer; content: Buffer }[] = [];
    for (let at = 0; bytes[at] !== 0; ) {
      const length = Math.ceil(size(at) / 512) * 512;
      const content = bytes.subarray(at + 512, at + 512 + length);
      entries.push({ header: bytes.subarray(at, at + 512), content });
      at += 512 + length;
    }
    return { digest, entries };
  };

  const join512 = (entries: readonly { header: Buffer; content: Buffer }[]): Buffer =>
    Buffer.concat([
      ...entries.flatMap(({ header, content }) => [header, content]),
      Buffer.alloc(1024),
    ]);

  const named = (directory: string, file: string, content = Buffer.alloc(512)) => ({
    header: encodeHeader({ directory, file, size: content.length }, 0),
    content,
  });

  test.each([
    ["../../etc", "passwd"],
    ["room", "../x"],
    ["/etc", "passwd"],
    ["..", `${"0".repeat(64)}.json`],
    [".hidden", `${"0".repeat(64)}.json`],
    ["room", "nodes.json"],
    ["room", "current"],
    ["other", `${"0".repeat(64)}.sig`],
    ["room", `${"0".repeat(64)}.sig`],
    ["", "file"],
  ])("with the foreign entry %s/%s, at any place, is refused", async (directory, file) => {
    const { entries } = await parts();
    for (let at = 0; at <= entries.length; at += 1) {
      const store = newStore();
      await expect(
        take(store, join512(entries.toSpliced(at, 0, named(directory, file)))),
      ).rejects.toThrow(whole);
      expect(filesIn(store)).toEqual([]);
    }
  });

  test("with links, directories or devices is refused", async () => {
    const { entries } = await parts();
    for (const flag of ["1", "2", "3", "4", "5", "6", "7", "x", "g", "L", "K", "S"]) {
      const entry = named("room", "file", Buffer.alloc(0));
      entry.header.write(flag, 156, "latin1");
      entry.header.fill(" ", 148, 156);
      const sum = entry.header.reduce((all, byte) => all + byte, 0);
      entry.header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
      const taken = take(newStore(), join512([...entries.slice(0, 1), entry, ...entries.slice(1)]));
      await expect(taken).rejects.toThrow(`${whole}"file" is no plain file`);
    }
  });

  test("with sizes beyond all bounds is refused before they are read", async () => {
    const { entries, digest } = await parts();
    const [first] = entries;
    if (first === undefined) throw new Error("no entry");
    const giant = (end: string) => ({
      header: encodeHeader({ directory: "room", file: `${digest}.${end}`, size: 2 ** 50 }, 0),
      content: Buffer.alloc(0),
    });
    for (const list of [
      [giant("json")],
      [first, giant("sig")],
      [first, giant("spdx.json")],
      [first, giant("erofs")],
    ]) {
      const store = newStore();
      await expect(take(store, join512(list))).rejects.toThrow(whole);
      expect(filesIn(store)).toEqual([]);
    }
  });

  test("with the same entry twice, without an image, or with more behind it is refused", async () => {
    const { entries } = await parts();
    const lists = [
      entries.flatMap((entry, at) => (at === 1 ? [entry, entry] : [entry])),
      [...entries.slice(0, 1), ...entries],
      entries.slice(0, -1),
      entries.slice(1),
      entries.toReversed(),
      [...entries, ...entries],
      [],
    ];
    for (const list of lists) {
      const store = newStore();
      await expect(take(store, join512(list))).rejects.toThrow(whole);
      expect(filesIn(store)).toEqual([]);
    }
  });

  test("that is noise is refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 3000 }), async (bytes) => {
        await expect(take(newStore(), bytes)).rejects.toThrow(whole);
      }),
      { numRuns: 50 },
    );
  });
});
