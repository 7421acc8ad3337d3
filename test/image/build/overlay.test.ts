import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { overlayFiles, writeOverlay } from "../../../src/image/build/overlay.ts";
import { lackingOf, title } from "../../needs.ts";
import { directoryOf } from "../../sidus.ts";

const source = fileURLToPath(new URL("../../../src/image/overlay/", import.meta.url));

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

const scripts = Object.keys(overlayFiles).filter((path) => overlayFiles[path] === 0o755);

test("the table names every file of the overlay", () => {
  expect(Object.keys(overlayFiles).sort()).toEqual(filesBelow(source));
});

test.each(["initramfs-tools", "dracut"] as const)(
  "what %s does not need is not in its trees",
  (initramfs) => {
    const directory = directoryOf({});
    writeOverlay(directory, initramfs);
    const other = initramfs === "dracut" ? "/initramfs-tools/" : "/dracut";
    const expected = Object.keys(overlayFiles).filter((path) => !path.includes(other));
    expect(filesBelow(directory)).toEqual(expected.sort());
    expect(expected.some((path) => path.includes(`/${initramfs}`))).toBe(true);
  },
);

test("modes come from the table, whatever the umask", () => {
  const umask = process.umask(0o077);
  try {
    const directory = directoryOf({});
    writeOverlay(directory, "initramfs-tools");
    writeOverlay(directory, "dracut");
    for (const [path, mode] of Object.entries(overlayFiles)) {
      expect(statSync(join(directory, path)).mode & 0o7777, path).toBe(mode);
    }
    for (const path of ["etc", "usr", "usr/lib", "etc/systemd/system"]) {
      expect(statSync(join(directory, path)).mode & 0o7777, path).toBe(0o755);
    }
  } finally {
    process.umask(umask);
  }
});

test.each(scripts)("%s is executable by its first line and parses", (path) => {
  const [first = ""] = readFileSync(join(source, path), "utf8").split("\n");
  expect(first).toMatch(/^#!\/bin\/(?:sh|bash)$/);
  execFileSync(first.slice(2), ["-n", join(source, path)]);
});

const lacking = lackingOf("busybox");
describe.skipIf(lacking !== undefined)(title("busybox", lacking), () => {
  const forInitrd = scripts.filter((path) => path.startsWith("usr/lib/sidus/initrd/"));
  test.each(forInitrd)("busybox' shell parses %s", (path) => {
    execFileSync("busybox", ["sh", "-n", join(source, path)]);
  });
});

test("what runs in the initrd calls nothing that klibc and the hook do not bring", () => {
  const hook = readFileSync(join(source, "etc/initramfs-tools/hooks/rootaufs"), "utf8");
  const brought = /^for program in (.*); do$/m.exec(hook)?.[1]?.split(" ") ?? [];
  expect(brought).toEqual(["blkid", "cmp", "e2fsck", "iscsistart", "mke2fs"]);
  for (const path of scripts.filter((name) => name.startsWith("usr/lib/sidus/initrd/"))) {
    const text = readFileSync(join(source, path), "utf8");
    expect(text, path).not.toMatch(/\b(?:sed|grep|awk|tr|cut|rm|head|tail|sort|findmnt)\s+[-'"$/]/);
  }
});
