import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loaderPath } from "../../../src/boot/loader-files.ts";
import { entriesOf } from "../../../src/cli/storm/entries.ts";
import { STORM_TREE_BYTES_MAX, STORM_TREE_USED_MS, STORM_TREES_KEPT } from "../../../src/limits.ts";
import { stormTree, useTree } from "../../../src/storm/room/tree.ts";
import type { Trace, TraceFile } from "../../../src/storm/trace/trace.ts";
import { VirtualClock } from "../../sim/clock.ts";
import { smallTrace } from "./small-trace.ts";

let cache = "";
let now = 1_800_000_000_000;
const clock = { epochMs: () => now };

beforeAll(() => {
  cache = mkdtempSync(join(tmpdir(), "sidus-storm-tree-"));
});
afterAll(() => rmSync(cache, { recursive: true }));

function tree(trace: Trace = smallTrace, seed = 1): string {
  now += 1000;
  return stormTree({ trace, seed, cache, loaderPath, clock });
}

function withFiles(...files: readonly TraceFile[]): Trace {
  return { ...smallTrace, files };
}

describe("a tree made from a trace", () => {
  test("names, types and sizes are as recorded; what was missing is", () => {
    const made = tree();
    expect(statSync(join(made, "usr/bin/dash")).size).toBe(125_688);
    expect(statSync(join(made, "etc/empty")).size).toBe(0);
    expect(readlinkSync(join(made, "lib"))).toBe("usr/lib");
    expect(readlinkSync(join(made, "usr/bin/sh"))).toHaveLength(4);
    expect(existsSync(join(made, "etc/ld.so.preload"))).toBe(false);
    expect(readFileSync(join(made, "etc/sidus/tree"), "utf8")).toContain(
      "kernel: 6.1.0-56-amd64\n",
    );
    expect(statSync(made).mode & 0o777).toBe(0o755);
  });

  test("names are the bytes that the trace has a character each of, and are found so", () => {
    const path = "etc/G\u00c3\u00b6del";
    const made = tree(withFiles({ path, type: "file", size: 3 }));
    expect(readdirSync(join(made, "etc"))).toContain("Gödel");
    expect(entriesOf(made)).toContainEqual({ path, type: "file", size: 3 });
  });

  test("kernel, initrd and loader are as large as recorded, where ours are looked for", () => {
    const made = tree();
    expect(statSync(join(made, "boot/vmlinuz-6.1.0-56-amd64")).size).toBe(1_500_000);
    expect(statSync(join(made, "boot/initrd.img-6.1.0-56-amd64")).size).toBe(3_000_001);
    expect(statSync(join(made, "usr/lib/PXELINUX/lpxelinux.0")).size).toBe(91_726);
    expect(existsSync(join(made, "lib/modules/6.1.0-56-amd64"))).toBe(true);
  });

  test("the same seed makes the same contents, another one others, and none is compressible", () => {
    const first = readFileSync(join(tree(), "usr/bin/dash"));
    const other = readFileSync(join(tree(smallTrace, 2), "usr/bin/dash"));
    rmSync(tree(), { recursive: true });
    expect(readFileSync(join(tree(), "usr/bin/dash"))).toEqual(first);
    expect(other).not.toEqual(first);
    expect(new Set(first).size).toBe(256);
  });

  test("it is made once, and nothing is left of making it", () => {
    const made = tree();
    const { ino } = statSync(join(made, "usr/bin/dash"));
    expect(statSync(join(tree(), "usr/bin/dash")).ino).toBe(ino);
    expect(readdirSync(cache).filter((name) => !name.startsWith("storm-"))).toEqual([]);
  });

  test("what was left half made long ago is removed, what is made now is not", () => {
    const [left, fresh] = [join(cache, "making-left"), join(cache, "making-fresh")];
    for (const [path, at] of [
      [left, now - 7_200_000],
      [fresh, now],
    ] as const) {
      mkdirSync(path);
      utimesSync(path, at / 1000, at / 1000);
    }
    tree();
    expect(existsSync(left)).toBe(false);
    expect(existsSync(fresh)).toBe(true);
    rmSync(fresh, { recursive: true });
  });

  test("the trees that were asked for last are kept", () => {
    const kept = tree();
    for (let seed = 10; seed < 10 + STORM_TREES_KEPT; seed += 1) {
      tree(withFiles(), seed);
      now += STORM_TREE_USED_MS;
      tree();
    }
    expect(existsSync(kept)).toBe(true);
    expect(readdirSync(cache)).toHaveLength(STORM_TREES_KEPT);
  });

  test("those that storms use now are kept besides, however long ago they were asked for", () => {
    const used = tree(withFiles(), 100);
    const time = new VirtualClock(now);
    const use = useTree(used, time);
    for (let seed = 101; seed < 101 + STORM_TREES_KEPT + 2; seed += 1) {
      now += STORM_TREE_USED_MS;
      time.advance(STORM_TREE_USED_MS);
      tree(withFiles(), seed);
    }
    expect(existsSync(used)).toBe(true);
    use[Symbol.dispose]();
    now += 2 * STORM_TREE_USED_MS;
    for (let seed = 101; seed < 101 + STORM_TREES_KEPT; seed += 1) tree(withFiles(), seed);
    expect(existsSync(used)).toBe(false);
  });

  test.each([
    "../etc/passwd",
    "/etc/passwd",
    "a//b",
    "a/./b",
    "a/../../b",
    "a\0b",
    "x".repeat(256),
  ])("a trace that names %j leads nowhere", (path) => {
    expect(() => tree(withFiles({ path, type: "file", size: 1 }))).toThrow(
      "which no tree can have",
    );
    expect(readdirSync(cache).filter((name) => !name.startsWith("storm-"))).toEqual([]);
  });

  test("files below what the trace calls a link or a file do not lead through it", () => {
    const made = tree(
      withFiles(
        { path: "a", type: "link", size: 7 },
        { path: "a/b", type: "file", size: 3 },
        { path: "c", type: "file", size: 3 },
        { path: "c/d", type: "link", size: 3 },
      ),
    );
    expect(statSync(join(made, "a/b")).size).toBe(3);
    expect(statSync(join(made, "c")).isDirectory()).toBe(true);
  });

  test("a trace of more than a disk holds is refused before anything is written", () => {
    const huge = { path: "huge", type: "file", size: STORM_TREE_BYTES_MAX + 1 } as const;
    expect(() => tree(withFiles(huge))).toThrow("expected at most 4096; --tree");
  });

  test("a trace that does not tell its kernel boots some", () => {
    const made = tree({ ...smallTrace, about: { ...smallTrace.about, kernel: "../x" } });
    expect(readdirSync(join(made, "boot"))).toHaveLength(2);
  });
});
