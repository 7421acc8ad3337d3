import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { treeKernel } from "../../../src/image/build/finish.ts";
import { directoryOf } from "../../sidus.ts";
import { debianTree } from "../debian.ts";

/** Where Debian's packages put what starts nodes. */
const loaders = [
  "usr/lib/PXELINUX",
  "usr/lib/syslinux",
  "usr/lib/ipxe",
  "usr/lib/grub",
  "usr/lib/shim",
  "boot/ipxe.efi",
  "boot/ipxe.lkrn",
];

/** Kernel and initrd of a tree by nodeTree(). */
export const nodeLabel = { kernel: "/boot/vmlinuz", initrd: "/boot/node.img", layer: "none" };

/** Debian's kernel and loaders, and an initrd whose only program says what started it and powers off. */
export async function nodeTree(): Promise<string> {
  const debian = await debianTree();
  const tree = directoryOf({});
  for (const path of loaders.filter((path) => existsSync(join(debian, path)))) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    cpSync(join(debian, path), join(tree, path), { recursive: true, verbatimSymlinks: true });
  }
  cpSync(join(debian, treeKernel(debian).kernel), join(tree, nodeLabel.kernel));
  writeFileSync(join(tree, nodeLabel.initrd), nodeInitrd());
  return tree;
}

function nodeInitrd(): Uint8Array {
  const work = directoryOf({});
  const source = fileURLToPath(new URL("node.c", import.meta.url));
  execFileSync("gcc", ["-O1", "-static", "-s", "-o", join(work, "init"), source]);
  return execFileSync("busybox", ["cpio", "-o", "-H", "newc"], {
    cwd: work,
    input: "init\n",
    stdio: ["pipe", "pipe", "ignore"],
  });
}
