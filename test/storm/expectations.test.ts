import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { STORM_EXPECTATIONS_MAX } from "../../src/limits.ts";
import { compareWithTree, SeenContent } from "../../src/storm/expectations.ts";
import { temporaryDirectory } from "../nfs/served.ts";

const hello = Buffer.from("hello");

describe("what nodes were given", () => {
  test("the first one says what the others must get, part by part", () => {
    const seen = new SeenContent();
    expect(seen.check("nfs a", 0, hello)).toBe(true);
    expect(seen.check("nfs a", 0, hello)).toBe(true);
    expect(seen.check("nfs a", 0, Buffer.from("hallo"))).toBe(false);
    expect(seen.check("nfs a", 5, Buffer.from("hallo"))).toBe(true);
    expect(seen.check("nfs b", 0, Buffer.from("hallo"))).toBe(true);
    // Of another length: another part.
    expect(seen.check("nfs a", 0, Buffer.from("hel"))).toBe(true);
    expect(seen.check("nfs a", 0, Buffer.from("hal"))).toBe(false);
    expect(seen.check("nfs a", 0, hello)).toBe(true);
    // CRC-32 of "hello", from outside: `printf hello | gzip -c | tail -c8`.
    expect(seen.checkCrc("nfs a", 0, 5, 0x3610_a686)).toBe(true);
  });

  test("threads tell one another; each content that differs is named once", () => {
    const [first, second] = [new SeenContent(), new SeenContent()];
    first.check("nfs same", 0, hello);
    second.check("nfs same", 0, hello);
    for (const offset of [0, 100]) {
      first.check("nfs other", offset, hello);
      second.check("nfs other", offset, Buffer.from("hallo"));
    }
    second.check("nfs alone", 0, hello);
    second.check("nfs alone", 0, Buffer.from("h"));
    expect(first.merge(structuredClone([...second.entries()]))).toEqual(["nfs other"]);
    expect(first.check("nfs alone", 0, Buffer.from("x"))).toBe(false);
    expect([...second.entries()]).toContainEqual(["nfs alone", 0, 5, crc32(hello)]);
  });

  test("are bounded: what is known is compared still", () => {
    const seen = new SeenContent();
    for (let at = 0; at < STORM_EXPECTATIONS_MAX; at += 1) seen.checkCrc("nfs a", at, 1, at);
    expect(seen.checkCrc("nfs b", 0, 1, 1)).toBe(true);
    expect(seen.checkCrc("nfs b", 0, 1, 2)).toBe(true);
    expect(seen.checkCrc("nfs a", 7, 1, 8)).toBe(false);
    expect([...seen.entries()]).toHaveLength(STORM_EXPECTATIONS_MAX);
  });

  test("are compared with a local tree", async () => {
    await using stack = new AsyncDisposableStack();
    const tree = await temporaryDirectory(stack);
    await mkdir(join(tree, "etc"));
    await writeFile(join(tree, "etc/same"), "0123456789");
    await writeFile(join(tree, "etc/changed"), "0123456789");
    await writeFile(Buffer.concat([Buffer.from(`${tree}/etc/`), Buffer.of(0xe4)]), "0123456789");
    await symlink("same", join(tree, "etc/link"));
    const seen = new SeenContent();
    const part = Buffer.from("3456");
    for (const path of ["etc/same", "etc/\u00e4", "etc/link", "etc/gone", "etc"]) {
      seen.check(`nfs ${path}`, 3, part);
    }
    seen.check("nfs etc/changed", 0, Buffer.from("0123456789"));
    seen.check("nfs etc/changed", 3, Buffer.from("3457"));
    seen.check("nfs etc/same", 8, Buffer.from("89"));
    seen.check("http /vmlinuz", 0, part);
    const { bytes, differences } = await compareWithTree(seen.entries(), tree);
    expect(differences.toSorted()).toEqual(["etc", "etc/changed", "etc/gone", "etc/link"]);
    expect(bytes).toBe(4 + 2 + 4);
  });
});
