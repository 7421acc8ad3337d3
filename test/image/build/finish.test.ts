import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finishTree, forgetBuilder, treeKernel } from "../../../src/image/build/finish.ts";
import { directoryOf } from "../../sidus.ts";

const identity = {
  name: "room",
  suite: "bookworm",
  architecture: "amd64",
  built: "2026-01-01T00:00:00.000Z",
  sidus: "0.1.0",
};

const kernel = (version: string): Record<string, string> => ({
  [`boot/vmlinuz-${version}`]: "kernel",
  [`boot/initrd.img-${version}`]: "initrd",
  [`lib/modules/${version}/modules.dep`]: "modules",
});

test("nothing of the building machine stays in a tree, and every node starts alike", () => {
  const outside = directoryOf({ "resolv.conf": "nameserver 192.0.2.1\n" });
  const tree = directoryOf({
    "etc/hostname": "builder\n",
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    "etc/iscsi/initiatorname.iscsi": "InitiatorName=iqn.1993-08.org.debian:01:abc\n",
    "etc/systemd/system/sidus-up.service": "[Unit]\n",
    "etc/systemd/system/fstrim.timer": "[Unit]\n",
  });
  symlinkSync(join(outside, "resolv.conf"), join(tree, "etc/resolv.conf"));
  forgetBuilder(tree);
  finishTree(tree, identity);

  const text = (path: string): string => readFileSync(join(tree, path), "utf8");
  expect(existsSync(join(tree, "etc/hostname"))).toBe(false);
  expect(text("etc/machine-id")).toBe("");
  expect(lstatSync(join(tree, "etc/resolv.conf")).isFile()).toBe(true);
  expect(text("etc/resolv.conf")).toBe("");
  expect(readFileSync(join(outside, "resolv.conf"), "utf8")).toBe("nameserver 192.0.2.1\n");
  expect(text("etc/iscsi/initiatorname.iscsi")).toBe("GenerateName=yes\n");
  expect(text("etc/sidus/tree")).toBe(
    "name: room\nsuite: bookworm\narchitecture: amd64\nbuilt: 2026-01-01T00:00:00.000Z\nsidus: 0.1.0\n",
  );
  for (const path of ["ro", "rw", "dev/pts", "dev/shm"]) {
    expect(lstatSync(join(tree, path)).isDirectory()).toBe(true);
  }
  expect(readlinkSync(join(tree, "dev/fd"))).toBe("/proc/self/fd");
  expect(readlinkSync(join(tree, "dev/stderr"))).toBe("/proc/self/fd/2");
  const systemd = "etc/systemd/system";
  expect(readlinkSync(join(tree, systemd, "fstrim.timer"))).toBe("/dev/null");
  expect(readlinkSync(join(tree, systemd, "multi-user.target.wants/sidus-up.service"))).toBe(
    "/etc/systemd/system/sidus-up.service",
  );
});

test("no link of a tree leads out of it", () => {
  const outside = directoryOf({ "initiatorname.iscsi": "ours\n", "fstrim.timer": "ours\n" });
  const tree = directoryOf({ "etc/passwd": "" });
  symlinkSync(outside, join(tree, "etc/iscsi"));
  symlinkSync(outside, join(tree, "etc/systemd"));
  finishTree(tree, identity);
  expect(readdirSync(outside).sort()).toEqual(["fstrim.timer", "initiatorname.iscsi"]);
  expect(readFileSync(join(outside, "initiatorname.iscsi"), "utf8")).toBe("ours\n");
  expect(readlinkSync(join(tree, outside, "system/fstrim.timer"))).toBe("/dev/null");
});

test("the newest kernel is the one with the highest numbers", () => {
  const tree = directoryOf({ ...kernel("6.1.0-9-amd64"), ...kernel("6.1.0-56-amd64") });
  expect(treeKernel(tree)).toEqual({
    version: "6.1.0-56-amd64",
    kernel: "/boot/vmlinuz-6.1.0-56-amd64",
    initrd: "/boot/initrd.img-6.1.0-56-amd64",
    initrdBytes: 6,
  });
});

test.each(Object.keys(kernel("6.1.0-56-amd64")).slice(1))("without %s a build fails", (path) => {
  const tree = directoryOf({ ...kernel("6.1.0-9-amd64"), ...kernel("6.1.0-56-amd64") });
  rmSync(join(tree, path));
  expect(() => treeKernel(tree)).toThrow(`the tree would not boot: it has no /${path}`);
});

test("without a kernel, or with an empty initrd, a build fails", () => {
  expect(() => treeKernel(directoryOf({ "boot/config": "" }))).toThrow(/has no kernel/);
  const empty = { ...kernel("6.1.0-56-amd64"), "boot/initrd.img-6.1.0-56-amd64": "" };
  expect(() => treeKernel(directoryOf(empty))).toThrow(/has no \/boot\/initrd/);
});
