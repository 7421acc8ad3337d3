import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/net/clock.ts";
import type { Claim } from "../../src/volume/claim.ts";
import { VolumeStore } from "../../src/volume/store.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { filled, roomOf } from "./files.ts";

const MIB = 1 << 20;
const held: Claim = { isHeld: true, [Symbol.dispose]() {} };
const lost: Claim = { isHeld: false, [Symbol.dispose]() {} };
const copying = { claim: held, progress: () => {} };
const lacking = lackingOf("filefrag");

function newStore(): VolumeStore {
  return new VolumeStore(join(directoryOf({}), "deep", "volumes"));
}

function open(store: VolumeStore, name: string, bytes: number) {
  return store.open(name, bytes, { clock: systemClock, warn: () => {} });
}

/** A volume of 8 MiB with a piece of its middle written. */
async function storeWith(name: string): Promise<{ store: VolumeStore; path: string }> {
  const store = newStore();
  await using volume = await open(store, name, 8 * MIB);
  await volume.write(2 * MIB, [filled(64 * 1024, 7)]);
  await volume.write(5 * MIB, [filled(4096, 8)]);
  return { store, path: join(store.directory, `${name}.img`) };
}

describe("a directory of volumes", () => {
  test("a volume is made blank when it is first opened, and keeps its size", async () => {
    const store = newStore();
    const volume = await open(store, "192.0.2.11", 16 * MIB);
    expect(volume.bytes).toBe(16 * MIB);
    await volume[Symbol.asyncDispose]();
    expect(statSync(store.directory).mode & 0o777).toBe(0o700);
    expect(readdirSync(store.directory)).toEqual(["192.0.2.11.img"]);
    const file = statSync(join(store.directory, "192.0.2.11.img"));
    expect([file.blocks, file.mode & 0o777]).toEqual([0, 0o600]);
    const again = await open(store, "192.0.2.11", 32 * MIB);
    expect(again.bytes).toBe(16 * MIB);
    await again[Symbol.asyncDispose]();
  });

  test.each(["", ".", "..", "../a", "A", "a/b", "a@b", "-a", ".a", "a b", "a\n", "a".repeat(101)])(
    "no volume's name: %j",
    async (name) => {
      const store = newStore();
      await expect(open(store, name, MIB)).rejects.toThrow(
        "NAME: expected up to 100 small letters",
      );
      expect(() => store.check(name)).toThrow("NAME: ");
      expect(existsSync(store.directory)).toBe(false);
    },
  );

  test.each(["a", "0", "192.0.2.11", "2001:db8::1", "room-2.pc-11", "a".repeat(100)])(
    "a volume's name: %j",
    async (name) => {
      const store = newStore();
      await store.create(name, MIB, held);
      await store.snapshot(name, name, copying);
      expect(await store.find(name)).toMatchObject([{ name }, { name, snapshot: name }]);
    },
  );

  test.each([0, 1, 511, 513, 2 ** 60])("no volume's size: %d", async (bytes) => {
    const store = newStore();
    await expect(open(store, "a", bytes)).rejects.toThrow(/^SIZE: expected whole blocks/);
    expect(existsSync(store.directory)).toBe(false);
  });

  test("what is in a volume's place stays, also where it cannot be read just now", async () => {
    const store = newStore();
    await (await open(store, "here", MIB))[Symbol.asyncDispose]();
    const away = join(directoryOf({}), "not-mounted", "disk.img");
    const link = join(store.directory, "elsewhere.img");
    symlinkSync(away, link);
    await expect(open(store, "elsewhere", MIB)).rejects.toThrow();
    await expect(store.create("elsewhere", MIB, held)).rejects.toThrow("there is a volume");
    expect(readlinkSync(link)).toBe(away);
    expect(readdirSync(store.directory).filter((name) => name.endsWith(".new"))).toEqual([]);
  });

  test("what is listed: volumes before their snapshots, nothing else that lies there", async () => {
    const { store } = await storeWith("b");
    await store.create("a", MIB, held);
    await store.snapshot("b", "old", copying);
    for (const name of [".b.new", "chap.key", "c.txt", "D.img", "@e.img", "b@.img", "b@x@y.img"]) {
      writeFileSync(join(store.directory, name), "");
    }
    const listed = await store.list();
    expect(listed.map(({ name, snapshot }) => [name, snapshot])).toEqual([
      ["a", undefined],
      ["b", undefined],
      ["b", "old"],
    ]);
    expect(listed[0]).toMatchObject({ bytes: MIB, allocatedBytes: 0 });
    expect(listed[1]?.allocatedBytes).toBe(68 * 1024);
    expect(await newStore().list()).toEqual([]);
    await expect(store.find("c")).rejects.toThrow(/^there is no volume c in /);
  });

  test("reset: blank again, of the same size; snapshots stay", async () => {
    const { store, path } = await storeWith("a");
    await store.snapshot("a", "old", copying);
    await store.reset("a", held);
    expect([statSync(path).size, statSync(path).blocks]).toEqual([8 * MIB, 0]);
    expect(await store.find("a")).toHaveLength(2);
    await expect(store.reset("b", held)).rejects.toThrow("there is no volume b in ");
  });

  test("resize: larger; smaller is refused unless forced", async () => {
    const { store, path } = await storeWith("a");
    const before = readFileSync(path);
    await store.resize("a", 16 * MIB, { isForced: false }, held);
    expect(statSync(path).size).toBe(16 * MIB);
    expect(
      readFileSync(path)
        .subarray(0, 8 * MIB)
        .equals(before),
    ).toBe(true);
    await expect(store.resize("a", MIB, { isForced: false }, held)).rejects.toThrow(
      "a has 16777216 bytes: 1048576 would cut off its end and what the node keeps there; --force does it",
    );
    await store.resize("a", MIB, { isForced: true }, held);
    expect(statSync(path).size).toBe(MIB);
  });

  test(title("a snapshot has the same bytes and the same holes", lacking), async () => {
    const { store, path } = await storeWith("a");
    const seen: number[] = [];
    const progress = (done: number, all: number): void => void seen.push(done / all);
    await store.snapshot("a", "old", { claim: held, progress });
    const copy = join(store.directory, "a@old.img");
    expect(readFileSync(copy).equals(readFileSync(path))).toBe(true);
    expect(roomOf(copy)).toBeLessThanOrEqual(128 * 1024);
    expect(seen).toEqual(seen.toSorted());
    await expect(store.snapshot("a", "old", copying)).rejects.toThrow(
      "a has a snapshot old already: ",
    );
    expect(readdirSync(store.directory).sort()).toEqual(["a.img", "a@old.img"]);
  });

  test("restore: what the snapshot has, also after the volume was removed; the snapshot stays", async () => {
    const { store, path } = await storeWith("a");
    const before = readFileSync(path);
    await store.snapshot("a", "old", copying);
    await store.reset("a", held);
    await store.resize("a", 16 * MIB, { isForced: false }, held);
    await store.restore("a", "old", copying);
    expect(readFileSync(path).equals(before)).toBe(true);
    await store.remove("a", held);
    expect(existsSync(path)).toBe(false);
    await store.restore("a", "old", copying);
    expect(readFileSync(path).equals(before)).toBe(true);
    await store.removeSnapshot("a", "old", held);
    await expect(store.restore("a", "old", copying)).rejects.toThrow("a has no snapshot old in ");
  });

  test("a claim that was lost, and a copy that is stopped, change nothing", async () => {
    const { store, path } = await storeWith("a");
    await store.snapshot("a", "old", copying);
    const [before, files] = [readFileSync(path), readdirSync(store.directory)];
    const how = { claim: lost, progress: () => {} };
    const stopped = {
      claim: held,
      progress: () => {
        throw new Error("stopped");
      },
    };
    const ended = "the server ended meanwhile, and nothing was changed";
    await expect(store.reset("a", lost)).rejects.toThrow(ended);
    await expect(store.resize("a", 9 * MIB, { isForced: false }, lost)).rejects.toThrow(ended);
    await expect(store.snapshot("a", "new", how)).rejects.toThrow(ended);
    await expect(store.restore("a", "old", how)).rejects.toThrow(ended);
    await expect(store.remove("a", lost)).rejects.toThrow(ended);
    await expect(store.create("b", MIB, lost)).rejects.toThrow(ended);
    // Where blocks are shared, there is nothing to stop.
    await store.snapshot("a", "new", stopped).then(
      () => store.removeSnapshot("a", "new", held),
      (error) => expect(error.message).toBe("stopped"),
    );
    expect(readdirSync(store.directory)).toEqual(files);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  test("what a killed command left is replaced", async () => {
    const { store } = await storeWith("a");
    writeFileSync(join(store.directory, ".a.new"), "half");
    await store.snapshot("a", "old", copying);
    expect(existsSync(join(store.directory, ".a.new"))).toBe(false);
  });
});
