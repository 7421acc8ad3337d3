import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { capturedIn } from "../../../src/image/change/bootable.ts";
import { directoryOf } from "../../sidus.ts";

/** A system with those packages. */
function system(release: string, packages: readonly string[], more = {}): string {
  const stanza = (name: string): string =>
    `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n`;
  const tree = directoryOf({
    "usr/lib/os-release": release,
    "var/lib/dpkg/status": ["dpkg", ...packages].map(stanza).join("\n"),
    "boot/grub": "",
    "etc/hostname": "",
    ...more,
  });
  symlinkSync("/usr/lib/os-release", join(tree, "etc/os-release"));
  return tree;
}

const bookworm = 'ID=debian\nVERSION_CODENAME=bookworm\nNAME="Debian GNU/Linux"\n';

test("what booting takes and the system lacks; a kernel is one whatever its package", () => {
  const without = capturedIn(system(bookworm, ["initramfs-tools", "udev", "open-iscsi"]));
  expect(without).toMatchObject({
    suite: "bookworm",
    architecture: "amd64",
    initramfs: "initramfs-tools",
  });
  expect(without.missing).toEqual(expect.arrayContaining(["linux-image-amd64", "pxelinux"]));
  expect(without.missing).not.toContain("open-iscsi");
  const kernel = { "boot/vmlinuz-6.1.0-1-cloud-amd64": "kernel" };
  expect(capturedIn(system(bookworm, [], kernel)).missing).not.toContain("linux-image-amd64");
});

test("one with dracut keeps it", () => {
  const { initramfs, missing } = capturedIn(system(bookworm, ["dracut"]));
  expect(initramfs).toBe("dracut");
  expect(missing).not.toContain("initramfs-tools");
});

test("derivatives take what those that they come from have", () => {
  const mint = 'ID=linuxmint\nID_LIKE="ubuntu debian"\nVERSION_CODENAME=wilma\n';
  expect(capturedIn(system(mint, [])).missing).toContain("linux-image-generic");
  const other = "ID=other\nID_LIKE=debian\nVERSION_CODENAME=other\n";
  expect(capturedIn(system(other, [])).missing).toContain("linux-image-amd64");
});

test("what is no Debian is refused by what is missing", () => {
  const tree = directoryOf({ "usr/lib/os-release": "ID=fedora\n" });
  expect(() => capturedIn(tree)).toThrow(/neither Debian nor Ubuntu: dpkg is not installed there/);
});
