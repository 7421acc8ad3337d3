import { expect, test } from "vitest";
import {
  bootstrapCommand,
  bootstrapEnvironment,
  kernelPackage,
  MERGED_USR_HOOKS,
} from "../../../src/image/build/bootstrap.ts";

const options = { suite: "bookworm", include: ["vim", "openssh-server"], mirrors: [] };
const machine = { architecture: "amd64", hasMergedUsrHooks: true };
const paths = { overlay: "/srv/.x/overlay", passwords: undefined };

test("the kernel is installed after everything else, so that its initrd is made once", () => {
  const command = bootstrapCommand(options, machine, paths, "/srv/.x/tree");
  const included = command.find((word) => word.startsWith("--include="));
  expect(included).toMatch(
    /^--include=e2fsprogs,initramfs-tools,.*,open-iscsi,.*,udev,zstd,.*,vim,openssh-server$/,
  );
  expect(included).not.toContain("linux-image");
  const overlay = command.findIndex((word) => word.startsWith("--essential-hook="));
  const kernel = command.findIndex((word) => word.endsWith(" linux-image-amd64"));
  expect(command[kernel]).toMatch(/^--customize-hook=/);
  expect(overlay).toBeLessThan(kernel);
});

test.each([
  ["amd64", "pxelinux,shim-signed,syslinux-common"],
  ["arm64", "grub-efi-arm64-bin,grub-efi-arm64-signed,shim-signed"],
])("a tree for %s has its loaders in it: %s", (architecture, loaders) => {
  const command = bootstrapCommand(options, { ...machine, architecture }, paths, "/t");
  expect(command.find((word) => word.startsWith("--include="))).toContain(`,${loaders},vim`);
});

test("suite, target and mirrors end the command, and no mirror is ours", () => {
  expect(bootstrapCommand(options, machine, paths, "/srv/.x/tree").slice(-2)).toEqual([
    "bookworm",
    "/srv/.x/tree",
  ]);
  const mirrors = ["http://mirror.example/debian", "/etc/apt/sources.list"];
  const command = bootstrapCommand({ ...options, mirrors }, machine, paths, "/t");
  expect(command.slice(-4)).toEqual(["bookworm", "/t", ...mirrors]);
  expect(command.slice(0, -2).join(" ")).not.toContain("://");
});

test("a password goes by a file, and only where there is one", () => {
  const passwords = "/srv/.x/passwords";
  const command = bootstrapCommand(options, machine, { ...paths, passwords }, "/t");
  expect(command.filter((word) => word.includes("chpasswd"))).toHaveLength(1);
  expect(bootstrapEnvironment({ ...paths, passwords })).toEqual({
    SIDUS_OVERLAY: "/srv/.x/overlay",
    SIDUS_PASSWORDS: passwords,
  });
  const without = bootstrapCommand(options, machine, paths, "/t");
  expect(without.filter((word) => word.includes("chpasswd"))).toEqual([]);
});

test("hooks that this mmdebstrap does not have are not named", () => {
  const hook = `--hook-dir=${MERGED_USR_HOOKS}`;
  expect(bootstrapCommand(options, machine, paths, "/t")).toContain(hook);
  const older = { ...machine, hasMergedUsrHooks: false };
  expect(bootstrapCommand(options, older, paths, "/t")).not.toContain(hook);
});

test.each([
  ["amd64", "linux-image-amd64"],
  ["arm64", "linux-image-arm64"],
  ["i386", "linux-image-686-pae"],
  ["armhf", "linux-image-armmp"],
])("Debian's kernel for %s is %s", (architecture, name) => {
  expect(kernelPackage(architecture)).toBe(name);
});
