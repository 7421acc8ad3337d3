import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  truncateSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { AtMost } from "../../src/bytes/at-most.ts";
import type { Instant } from "../../src/bytes/instant.ts";
import { systemClock } from "../../src/net/clock.ts";
import { FileVolume } from "../../src/volume/file.ts";
import { Flusher } from "../../src/volume/flusher.ts";
import { fallocate, type Punch } from "../../src/volume/punch-now.ts";
import type { Volume } from "../../src/volume/volume.ts";
import { lackingOf, title } from "../needs.ts";
import { directoryOf } from "../sidus.ts";
import { blankVolume, filled, reopened, roomOf } from "./files.ts";

const lacking = lackingOf("fallocate", "setpriv", "filefrag");
const lackingNamespace = lackingOf("fallocate", "unshare", "mount");
const BLOCK = 512;
const MIB = 1 << 20;

/** Each look at it finds that 100 ms have passed. */
class SluggishClock {
  stepMs: number;
  #now = 0;

  constructor(stepMs = 100) {
    this.stepMs = stepMs;
  }

  now(): Instant {
    this.advance(this.stepMs);
    return this.#now as Instant;
  }

  advance(ms: number): void {
    this.#now += ms;
  }
}

async function contentOf(volume: Volume, offset = 0, length = volume.bytes): Promise<Uint8Array> {
  const into = filled(length, 0xa5);
  expect(await volume.read(offset, into)).toBeUndefined();
  return into;
}

describe(title("a volume in a file", lacking), { skip: lacking !== undefined }, () => {
  const path = process.env["PATH"];
  afterEach(() => {
    process.env["PATH"] = path;
  });

  test("is blank at first: zeros, one hole", async () => {
    const { volume, path: file } = blankVolume(MIB);
    expect(volume.bytes).toBe(MIB);
    expect(volume.extent(0)).toEqual({ isAllocated: false, length: MIB });
    expect(Buffer.compare(await contentOf(volume), filled(MIB, 0))).toBe(0);
    expect(roomOf(file)).toBe(0);
    await volume[Symbol.asyncDispose]();
  });

  test("reads and writes answer at once while the kernel has it in memory", async () => {
    const { volume } = blankVolume(MIB);
    expect(volume.write(BLOCK, [filled(10, 1), filled(0, 0), filled(BLOCK - 10, 2)])).toBe(
      undefined,
    );
    const into = filled(BLOCK, 0xa5);
    expect(volume.read(BLOCK, into)).toBe(undefined);
    expect(into).toEqual(Uint8Array.of(...filled(10, 1), ...filled(BLOCK - 10, 2)));
    await volume[Symbol.asyncDispose]();
  });

  test("as an array is, whatever is written, given back and read side by side", async () => {
    const blocks = (MIB * 3) / BLOCK;
    const range = fc
      .tuple(fc.nat(blocks - 1), fc.oneof(fc.nat(16), fc.nat(600), fc.nat(blocks)))
      .map(([at, count]) => ({
        offset: at * BLOCK,
        length: Math.min(count + 1, blocks - at) * BLOCK,
      }));
    const step = fc.record({
      range,
      what: fc.constantFrom("write", "write", "deallocate", "clear", "read", "flush", "again"),
      value: fc.integer({ min: 1, max: 255 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        // Every other second it seems slow: half of the work is done by other threads.
        const clock = new SluggishClock();
        let { volume, path: file } = blankVolume(blocks * BLOCK, { clock });
        const model = new Uint8Array(volume.bytes);
        for (const { range: at, what, value } of steps) {
          const end = at.offset + at.length;
          if (what === "write") {
            const half = at.length >> 1;
            const parts = [filled(half, value), filled(at.length - half, value)];
            expect(await volume.write(at.offset, parts)).toBeUndefined();
            model.fill(value, at.offset, end);
          } else if (what === "deallocate" || what === "clear") {
            expect(await volume[what](at.offset, at.length)).toBeUndefined();
            model.fill(0, at.offset, end);
          } else if (what === "read") {
            const got = await contentOf(volume, at.offset, at.length);
            expect(Buffer.compare(got, model.subarray(at.offset, end))).toBe(0);
          } else if (what === "flush") {
            expect(await volume.flush()).toBeUndefined();
          } else {
            await volume[Symbol.asyncDispose]();
            ({ volume, path: file } = reopened(file, { clock }));
          }
        }
        expect(Buffer.compare(await contentOf(volume), model)).toBe(0);
        await expectHolesAreZeros(volume, model);
        await volume[Symbol.asyncDispose]();
        expect(Buffer.compare(readFileSync(file), model)).toBe(0);
      }),
      { numRuns: 25 },
    );
  });

  test("while the kernel takes long, other threads ask it; afterwards it is tried again", async () => {
    const clock = new SluggishClock(80);
    const { volume } = blankVolume(MIB, { clock });
    const isAtOnce = (): boolean => !(volume.read(0, new Uint8Array(BLOCK)) instanceof Promise);
    expect([isAtOnce(), isAtOnce()]).toEqual([true, false]);
    expect(volume.write(0, [filled(BLOCK, 1)])).toBeUndefined();
    expect(await volume.write(BLOCK, [filled(BLOCK, 2), filled(BLOCK, 3)])).toBeUndefined();
    expect(await contentOf(volume, 0, 3 * BLOCK)).toEqual(
      Uint8Array.of(...filled(BLOCK, 1), ...filled(BLOCK, 2), ...filled(BLOCK, 3)),
    );
    clock.stepMs = 0;
    clock.advance(2000);
    expect(isAtOnce()).toBe(true);
    expect(isAtOnce()).toBe(true);
    await volume[Symbol.asyncDispose]();
  });

  test("what is written last lasts, however long what was written there before takes", async () => {
    const { volume } = blankVolume(8 * MIB);
    for (let round = 1; round <= 10; round += 1) {
      const before = volume.write(0, [filled(8 * MIB, 0xff)]);
      expect(before).toBeInstanceOf(Promise);
      const writes = [1, 2].map((of) => volume.write(6 * MIB, [filled(BLOCK, 2 * round + of)]));
      expect(await Promise.all([before, ...writes])).toEqual([undefined, undefined, undefined]);
      expect(await contentOf(volume, 6 * MIB, BLOCK)).toEqual(filled(BLOCK, 2 * round + 2));
    }
    await volume[Symbol.asyncDispose]();
  });

  test("more parts than one system call takes", async () => {
    for (const clock of [new SluggishClock(0), new SluggishClock()]) {
      const { volume } = blankVolume(2 * MIB, { clock });
      await volume.write(0, [filled(BLOCK, 0xee)]);
      const parts = Array.from({ length: 2048 }, (_, at) => filled(BLOCK / 2, at % 251));
      expect(await volume.write(BLOCK, parts)).toBeUndefined();
      const content = await contentOf(volume, BLOCK, MIB / 2);
      expect(Buffer.compare(content, Buffer.concat(parts))).toBe(0);
      await volume[Symbol.asyncDispose]();
    }
  });

  test("read-only: nothing is written, nor given back", async () => {
    const { volume, path: file } = blankVolume(MIB);
    await volume[Symbol.asyncDispose]();
    const again = new FileVolume({ path: file, isReadOnly: true, clock: systemClock, warn() {} });
    expect(again.write(0, [filled(BLOCK, 1)])).toBe("read-only");
    expect(again.deallocate(0, MIB)).toBe("read-only");
    expect(await again.flush()).toBeUndefined();
    expect(await contentOf(again, 0, BLOCK)).toEqual(filled(BLOCK, 0));
    await again[Symbol.asyncDispose]();
  });

  test("a range is given back whole: room is there again, its ends are zeros", async () => {
    const { volume, path: file } = blankVolume(8 * MIB);
    await volume.write(0, [filled(8 * MIB, 7)]);
    expect(roomOf(file)).toBe(8 * MIB);
    expect(await volume.deallocate(MIB + BLOCK, 2 * MIB)).toBeUndefined();
    expect(roomOf(file)).toBe(6 * MIB + 4096);
    const content = await contentOf(volume);
    const expected = filled(8 * MIB, 7).fill(0, MIB + BLOCK, 3 * MIB + BLOCK);
    expect(Buffer.compare(content, expected)).toBe(0);
    expect(volume.extent(2 * MIB)).toEqual({ isAllocated: false, length: MIB });
    expect(volume.extent(3 * MIB)).toEqual({ isAllocated: true, length: 5 * MIB });
    await volume[Symbol.asyncDispose]();
  });

  test("as it does by a process, where the system's call cannot be made", async () => {
    const { volume, path: file } = blankVolume(8 * MIB, { punch: () => false });
    await volume.write(0, [filled(8 * MIB, 7)]);
    expect(await volume.deallocate(MIB + BLOCK, 2 * MIB)).toBeUndefined();
    expect(roomOf(file)).toBe(6 * MIB + 4096);
    await volume[Symbol.asyncDispose]();
  });

  test("a large range is given back piece by piece; what a slow disk leaves of it, by a process", async () => {
    const asked: number[][] = [];
    const clock = new SluggishClock(0);
    const punch: Punch = (fd, offset, length) => {
      asked.push([offset, length]);
      clock.advance(30);
      return fallocate(fd, offset, length);
    };
    const { volume, path: file } = blankVolume(128 * MIB, { punch, clock });
    for (let at = 0; at < 128; at += 1) await volume.write(at * MIB, [filled(MIB, 7)]);
    expect(await volume.deallocate(MIB, 120 * MIB)).toBeUndefined();
    // The first is only suspected.
    expect(asked.length).toBeGreaterThan(2);
    expect(asked.length).toBeLessThan(8);
    expect(asked.slice(0, 2)).toEqual([
      [MIB, 16 * MIB],
      [17 * MIB, 16 * MIB],
    ]);
    expect(roomOf(file)).toBe(8 * MIB);
    await volume[Symbol.asyncDispose]();
  });

  test("of thousands of ranges others have their turn in between", async () => {
    const { volume, path: file } = blankVolume(16 * MIB);
    for (let at = 0; at < 16 * MIB; at += 8192) await volume.write(at, [filled(4096, 7)]);
    let turns = 0;
    let isDone = false;
    const turn = (): void => {
      turns += 1;
      if (!isDone) setImmediate(turn);
    };
    turn();
    expect(await volume.deallocate(0, 16 * MIB)).toBeUndefined();
    isDone = true;
    expect(turns).toBeGreaterThan(1000);
    expect(roomOf(file)).toBeLessThan(64 * 1024);
    await volume[Symbol.asyncDispose]();
  });

  test("what is cleared keeps its room, and holes stay holes", async () => {
    const { volume, path: file } = blankVolume(8 * MIB);
    await volume.write(MIB, [filled(MIB, 7)]);
    expect(await volume.clear(0, 3 * MIB)).toBeUndefined();
    expect(roomOf(file)).toBe(MIB);
    expect(Buffer.compare(await contentOf(volume), filled(8 * MIB, 0))).toBe(0);
    expect(volume.extent(0)).toEqual({ isAllocated: false, length: MIB });
    expect(volume.extent(MIB)).toEqual({ isAllocated: true, length: MIB });
    await volume[Symbol.asyncDispose]();
  });

  test("many ranges at once, and writes into them at the same time", async () => {
    const { volume, path: file } = blankVolume(64 * MIB);
    for (let at = 0; at < 64; at += 1) await volume.write(at * MIB, [filled(MIB, 7)]);
    const half = MIB / 2;
    const answers = Array.from({ length: 64 }, (_, at) => [
      volume.deallocate(at * MIB, half),
      volume.write(at * MIB, [filled(4096, at + 1)]),
      volume.write(at * MIB + half, [filled(half, at + 1)]),
    ]);
    expect(new Set(await Promise.all(answers.flat()))).toEqual(new Set([undefined]));
    const room = roomOf(file) - 64 * (half + 4096);
    expect(room).toBeGreaterThanOrEqual(0);
    // Where the file system keeps a list of so many pieces.
    expect(room).toBeLessThanOrEqual(64 * 1024);
    for (let at = 0; at < 64; at += 1) {
      const expected = filled(MIB, at + 1).fill(0, 4096, half);
      expect(Buffer.compare(await contentOf(volume, at * MIB, MIB), expected)).toBe(0);
    }
    await volume[Symbol.asyncDispose]();
  });

  test("what was taken before it was opened is asked of the file system", async () => {
    const { volume, path: file } = blankVolume(8 * MIB);
    await volume.write(2 * MIB, [filled(MIB, 7)]);
    await volume[Symbol.asyncDispose]();
    const again = reopened(file).volume;
    expect(await again.extent(0)).toEqual({ isAllocated: false, length: 2 * MIB });
    expect(again.extent(2 * MIB)).toEqual({ isAllocated: true, length: MIB });
    expect(again.extent(3 * MIB)).toEqual({ isAllocated: false, length: 5 * MIB });
    await again[Symbol.asyncDispose]();
  });

  test("without filefrag all of it may be taken", async () => {
    const { volume, path: file } = blankVolume(MIB);
    await volume.write(0, [filled(4096, 7)]);
    await volume[Symbol.asyncDispose]();
    process.env["PATH"] = "/nowhere";
    const again = reopened(file).volume;
    expect(await again.extent(8192)).toEqual({ isAllocated: true, length: MIB - 8192 });
    await again[Symbol.asyncDispose]();
  });

  test("where the kernel gives nothing back, zeros are written, which is said once", async () => {
    const { volume, warnings } = blankVolume(4 * MIB, { punch: () => false });
    await volume.write(0, [filled(4 * MIB, 7)]);
    process.env["PATH"] = directoryOf({});
    expect(await volume.deallocate(0, MIB)).toBeUndefined();
    expect(await volume.deallocate(2 * MIB, MIB)).toBeUndefined();
    expect(warnings).toEqual([
      expect.stringMatching(/fallocate and setpriv \(Debian: util-linux\) are not/),
    ]);
    const expected = filled(4 * MIB, 7)
      .fill(0, 0, MIB)
      .fill(0, 2 * MIB, 3 * MIB);
    expect(Buffer.compare(await contentOf(volume), expected)).toBe(0);
    await volume[Symbol.asyncDispose]();
  });

  test("a file that somebody cut off is a failed disk, one that was closed is gone", async () => {
    const { volume, path: file } = blankVolume(MIB);
    truncateSync(file, MIB / 2);
    expect(volume.read(MIB / 2, new Uint8Array(BLOCK))).toBe("io");
    await volume[Symbol.asyncDispose]();
    const answers = [
      volume.read(0, new Uint8Array(BLOCK)),
      volume.write(0, [new Uint8Array(BLOCK)]),
      volume.flush(),
      volume.deallocate(0, BLOCK),
      volume.extent(0),
    ];
    expect(answers).toEqual(Array(5).fill("gone"));
  });

  test("what is not within, or no whole block, is the caller's error", async () => {
    const { volume } = blankVolume(MIB);
    expect(() => volume.read(MIB, new Uint8Array(BLOCK))).toThrow(RangeError);
    expect(() => volume.write(1, [new Uint8Array(BLOCK)])).toThrow(RangeError);
    expect(() => volume.write(0, [new Uint8Array(BLOCK - 1)])).toThrow(RangeError);
    expect(() => volume.deallocate(-BLOCK, BLOCK)).toThrow(RangeError);
    await volume[Symbol.asyncDispose]();
  });

  test("flushes side by side all answer; nothing new, and it answers at once", async () => {
    const { volume } = blankVolume(MIB);
    const answers = Array.from({ length: 20 }, (_, at) => {
      volume.write(at * BLOCK, [filled(BLOCK, 1)]);
      return volume.flush();
    });
    expect(new Set(await Promise.all(answers))).toEqual(new Set([undefined]));
    expect(volume.flush()).toBeUndefined();
    await volume[Symbol.asyncDispose]();
  });
});

test("volumes together leave threads for others: so many calls are made for them at once", async () => {
  const calls = new AtMost(2);
  let running = 0;
  let most = 0;
  const counted = calls.do.bind(calls);
  calls.do = (work) =>
    counted(async () => {
      running += 1;
      most = Math.max(most, running);
      try {
        return await work();
      } finally {
        running -= 1;
      }
    });
  const clock = new SluggishClock();
  const volumes = [1, 2, 3, 4].map(() => blankVolume(MIB, { clock, calls }).volume);
  for (const volume of volumes) {
    for (let block = 0; block < 3; block += 1) void volume.read(0, new Uint8Array(BLOCK));
  }
  const later = volumes.flatMap((volume) => [
    volume.write(0, [filled(BLOCK, 1)]),
    volume.write(BLOCK, [filled(BLOCK, 2)]),
    volume.write(2 * BLOCK, [filled(BLOCK, 3)]),
    volume.read(0, new Uint8Array(BLOCK)),
    volume.flush(),
  ]);
  expect(new Set(await Promise.all(later))).toEqual(new Set([undefined]));
  expect(most).toBe(2);
  for (const volume of volumes) await volume[Symbol.asyncDispose]();
});

test("a flush that failed fails whoever waits, and all that follow: the kernel forgets what it lost", async () => {
  const fd = openSync("/dev/null", "r+"); // fdatasync answers EINVAL.
  const flusher = new Flusher(fd, new AtMost(1));
  const first = flusher.flush();
  flusher.wrote();
  expect(await Promise.all([first, flusher.flush(), flusher.flush()])).toEqual(["io", "io", "io"]);
  flusher.wrote();
  expect(flusher.flush()).toBe("io");
  closeSync(fd);
});

/** What is told to be a hole must be one. */
async function expectHolesAreZeros(volume: Volume, model: Uint8Array): Promise<void> {
  for (let at = 0; at < volume.bytes; ) {
    const extent = await volume.extent(at);
    if (typeof extent === "string") throw new Error(extent);
    expect(extent.length).toBeGreaterThan(0);
    if (!extent.isAllocated) {
      expect(model.subarray(at, at + extent.length).every((byte) => byte === 0)).toBe(true);
    }
    at += extent.length;
  }
}

const helper = (name: string) => fileURLToPath(new URL(name, import.meta.url));

test("after kill -9 of a writer, what was flushed is there", async () => {
  const { path, volume } = blankVolume(256 * MIB);
  await volume[Symbol.asyncDispose]();
  const writer = spawn(process.execPath, [helper("writer.ts"), path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(writer, "exit");
  // Each line: a round of writes that was flushed.
  let flushed = 0;
  for await (const line of createInterface({ input: writer.stdout })) {
    flushed = Number(line);
    if (flushed === 30) writer.kill("SIGKILL");
  }
  expect(await ended).toEqual([null, "SIGKILL"]);
  expect(flushed).toBeGreaterThanOrEqual(30);
  const again = reopened(path).volume;
  for (let round = 1; round <= flushed; round += 1) {
    const content = await contentOf(again, round * 64 * 1024, 8192);
    expect(Buffer.compare(content, filled(8192, round % 256))).toBe(0);
  }
  await again[Symbol.asyncDispose]();
});

test.skipIf(lacking)(
  title("kill -9 while much is given back: nothing punches holes any more afterwards", lacking),
  async () => {
    const { path, volume } = blankVolume(64 * MIB);
    for (let at = 0; at < 64; at += 1) await volume.write(at * MIB, [filled(MIB, 7)]);
    await volume[Symbol.asyncDispose]();
    const giver = spawn(process.execPath, [helper("giver.ts"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(giver, "exit");
    await once(giver.stdout, "data");
    giver.kill("SIGKILL");
    await ended;
    await expect.poll(() => isOpenSomewhere(path)).toBe(false);
    // Of the 512 ranges that one process had to give back, most were still to come.
    expect(roomOf(path)).toBeGreaterThan(40 * MIB);
  },
);

/** Whether any process has the file open. */
function isOpenSomewhere(path: string): boolean {
  return readdirSync("/proc").some((pid) => {
    try {
      const directory = `/proc/${pid}/fd`;
      return readdirSync(directory).some((fd) => readlinkSync(join(directory, fd)) === path);
    } catch {
      return false;
    }
  });
}

test.skipIf(lackingNamespace)(
  title("a full disk is told as such, and over when there is room again", lackingNamespace),
  async () => {
    const directory = directoryOf({});
    const script = `mount -t tmpfs -o size=2M tmpfs "$1" && exec "$2" "$3" "$1"`;
    const run = spawnSync(
      "unshare",
      [
        ...["--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"],
        ...[directory, process.execPath, helper("full-disk.ts")],
      ],
      { encoding: "utf8" },
    );
    expect(run.stderr).toBe("");
    expect(JSON.parse(run.stdout)).toEqual({
      first: "no-space",
      refilled: [null, "no-space"],
      readable: true,
      givenBack: null,
      afterwards: null,
      flushed: null,
      warnings: [],
    });
  },
);
