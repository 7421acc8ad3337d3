import { readdirSync, readlinkSync } from "node:fs";
import { type FileHandle, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { OpenFiles } from "../../src/tree/open-files.ts";
import type { FileId } from "../../src/tree/tree.ts";
import { temporaryDirectory } from "../nfs/served.ts";

const cleanup = new AsyncDisposableStack();
afterAll(() => cleanup.disposeAsync());
let path: string;

beforeAll(async () => {
  path = await temporaryDirectory(cleanup);
  for (let at = 0; at < 6; at += 1) await writeFile(join(path, `${at}`), `content of ${at}`);
});

/** The files of the test's directory that this process has open. */
function openNow(): string[] {
  return readdirSync("/proc/self/fd")
    .flatMap((fd) => {
      try {
        return [readlinkSync(`/proc/self/fd/${fd}`)];
      } catch {
        return [];
      }
    })
    .filter((target) => target.startsWith(`${path}/`))
    .map((target) => target.slice(path.length + 1))
    .sort();
}

const isStill = () => true;

function reading(files: OpenFiles) {
  const opened: number[] = [];
  const read = async (at: number, offset = 0) => {
    const into = new Uint8Array(100);
    const from = () => {
      opened.push(at);
      return open(join(path, `${at}`));
    };
    const count = await files.read(BigInt(at) as FileId, { open: from, isStill }, into, offset);
    return typeof count === "string" ? count : Buffer.from(into.subarray(0, count)).toString();
  };
  return { opened, read };
}

describe("open descriptors", () => {
  test("one that turned out to be another file is closed, and opened anew the next time", async () => {
    await using files = new OpenFiles(4);
    const state = { opened: 0, isStill: false };
    const from = () => {
      state.opened += 1;
      return open(join(path, "2"));
    };
    const read = () =>
      files.read(
        2n as FileId,
        { open: from, isStill: () => state.isStill },
        new Uint8Array(100),
        0,
      );
    expect(await read()).toBe("moved");
    expect(openNow()).toEqual([]);
    state.isStill = true;
    expect(await read()).toBe("content of 2".length);
    expect(state.opened).toBe(2);
  });

  test("a file is opened once, also by those who come at once", async () => {
    await using files = new OpenFiles(4);
    const { opened, read } = reading(files);
    expect(await Promise.all([read(1), read(1, 11), read(1)])).toEqual([
      "content of 1",
      "1",
      "content of 1",
    ]);
    expect(await read(1)).toBe("content of 1");
    expect(opened).toEqual([1]);
  });

  test("no more than allowed stay open; the one not used for longest is closed", async () => {
    await using files = new OpenFiles(2);
    const { read } = reading(files);
    await read(1);
    await read(2);
    await read(1);
    await read(3);
    expect(openNow()).toEqual(["1", "3"]);
    await Promise.all([0, 1, 2, 3, 4, 5].map((at) => read(at)));
    expect(openNow().length).toBeLessThanOrEqual(2);
  });

  test("none is closed while it is read from", async () => {
    await using files = new OpenFiles(1);
    const { read } = reading(files);
    const all = await Promise.all(
      Array.from({ length: 200 }, (_, at) => read(at % 6).then((text) => [at % 6, text])),
    );
    for (const [at, text] of all) expect(text).toBe(`content of ${at}`);
    expect(openNow().length).toBeLessThanOrEqual(1);
  });

  test("a failure to open is told, and tried again the next time", async () => {
    await using files = new OpenFiles(2);
    const into = new Uint8Array(20);
    const id = 1n as FileId;
    expect(await files.read(id, { open: async () => "moved", isStill }, into, 0)).toBe("moved");
    expect(await files.read(id, { open: async () => "denied", isStill }, into, 0)).toBe("denied");
    expect(await files.read(id, { open: () => open(join(path, "1")), isStill }, into, 0)).toBe(12);
  });

  test("what was another version of the file is not taken", async () => {
    await using files = new OpenFiles(2);
    const from = { open: () => open(join(path, "1")), isStill: () => false };
    expect(await files.read(1n as FileId, from, new Uint8Array(20), 0)).toBe("moved");
  });

  test("a failure to read is an I/O error", async () => {
    await using files = new OpenFiles(2);
    const broken = async (): Promise<FileHandle> => {
      const handle = await open(join(path, "1"));
      await handle.close();
      return handle;
    };
    expect(await files.read(1n as FileId, { open: broken, isStill }, new Uint8Array(9), 0)).toBe(
      "io",
    );
  });

  test("at the end all are closed", async () => {
    const files = new OpenFiles(6);
    const { read } = reading(files);
    await Promise.all([1, 2, 3].map((at) => read(at)));
    await files.forget(2n as FileId);
    expect(openNow()).toEqual(["1", "3"]);
    await files[Symbol.asyncDispose]();
    expect(openNow()).toEqual([]);
  });
});
