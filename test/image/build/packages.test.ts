import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { distributionOf } from "../../../src/image/build/distribution.ts";
import { dpkgOptions, packagesOf } from "../../../src/image/build/packages.ts";
import { pruneTree } from "../../../src/image/build/prune.ts";
import { defaultRecipe } from "../../../src/image/recipe/default.ts";
import { directoryOf } from "../../sidus.ts";

const machine = { distribution: distributionOf("bookworm", []), architecture: "amd64" };
const none = { packages: [] };

test("a tree has what boots from the network: init, initramfs, a kernel, an iSCSI initiator, loaders", () => {
  const packages = packagesOf(defaultRecipe, none, machine);
  for (const name of ["systemd-sysv", "initramfs-tools", "linux-image-amd64", "open-iscsi"]) {
    expect(packages).toContain(name);
  }
  expect(packages).toEqual(expect.arrayContaining(["pxelinux", "shim-signed", "syslinux-common"]));
  expect(packages).toEqual([...new Set(packages)].sort());
});

test("loaders are the architecture's", () => {
  const arm = packagesOf(defaultRecipe, none, { ...machine, architecture: "arm64" });
  expect(arm).toContain("grub-efi-arm64-bin");
  expect(arm).toContain("linux-image-arm64");
  expect(arm).not.toContain("pxelinux");
});

test("dracut comes instead of initramfs-tools", () => {
  const packages = packagesOf({ ...defaultRecipe, initramfs: "dracut" }, none, machine);
  expect(packages).toContain("klibc-utils");
  expect(packages).not.toContain("initramfs-tools");
});

test("what the recipe includes comes besides, what it excludes does not, though it is ours", () => {
  const recipe = {
    ...defaultRecipe,
    include: ["vim", "udev"],
    exclude: ["ipxe"],
    kernel: "linux-image-cloud-amd64",
  };
  const packages = packagesOf(recipe, { packages: ["locales"] }, machine);
  expect(packages).toEqual(expect.arrayContaining(["vim", "locales", "linux-image-cloud-amd64"]));
  expect(packages).not.toContain("ipxe");
  expect(packages).not.toContain("linux-image-amd64");
});

test("of documentation dpkg unpacks licences, of translations what settings keep", () => {
  const options = dpkgOptions(["/usr/share/locale/fr/*"]);
  expect(options).toContain("path-exclude=/usr/share/doc/*");
  expect(options).toContain("path-include=/usr/share/doc/*/copyright");
  expect(options.at(-1)).toBe("path-include=/usr/share/locale/fr/*");
});

test("what debootstrap unpacked beyond that is removed, as dpkg would not have unpacked it", () => {
  const tree = directoryOf({
    "usr/share/doc/bash/copyright": "",
    "usr/share/doc/bash/README": "",
    "usr/share/doc/bash/examples/copyright/x": "",
    "usr/share/locale/fr/LC_MESSAGES/bash.mo": "",
    "usr/share/locale/de/LC_MESSAGES/bash.mo": "",
    "usr/share/locale/locale.alias": "",
    "usr/share/man/man1/bash.1.gz": "",
    "usr/share/other/README": "",
  });
  pruneTree(tree, ["/usr/share/locale/fr/*"]);
  const there = (path: string): boolean => existsSync(join(tree, "usr/share", path));
  expect(there("doc/bash/copyright")).toBe(true);
  expect(there("locale/fr/LC_MESSAGES/bash.mo")).toBe(true);
  expect(there("locale/locale.alias")).toBe(true);
  expect(there("other/README")).toBe(true);
  for (const path of ["doc/bash/README", "doc/bash/examples", "locale/de", "man/man1"]) {
    expect(there(path), path).toBe(false);
  }
});
